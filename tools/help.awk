# What `make help` prints: awk -f tools/help.awk Makefile mk/*.mk
# A target's text is what follows "##" at its rule, a variable's what follows "#" at its "?=".

function entry(name, text) {
    if (length(name) > 17)
        printf "%s\n%17s  %s\n", name, "", text
    else
        printf "%-17s  %s\n", name, text
}

/^[a-z][^:=]*:.*## / {
    names = $0
    sub(/:.*/, "", names)
    sub(/%/, "NAME", names)
    sub(/.*## /, "")
    entry("make " names, $0)
}

# The text may begin with the way to give the variable, as FS=file, and two blanks.
/^[A-Z]+ *\?=.*# / {
    name = $1
    if ($0 !~ /\?= *#/ && $0 !~ /\$/)
        name = $1 "=" $3
    sub(/.*# /, "")
    if ($0 ~ "^" name "=[^ ]") {
        name = $0
        sub(/  .*/, "", name)
        sub(/.*   */, "")
    }
    name_of[++count] = name
    text_of[count] = $0
}

END {
    print "\nVariables, with the value they have when not given, as in `make qemu CPUS=1`:\n"
    for (i = 1; i <= count; i++)
        entry("  " name_of[i], text_of[i])
}
