# User programs and the disk image. usr/programs.mk names the programs; a program is one file, linked with the
# user library. EXTRA adds programs and files from anywhere on the host, also from within an xv6 tree.

-include usr/programs.mk

UPROG_SRC := $(USR_PROGRAMS:%=usr/%.c) $(USR_TESTS:%=usr/tests/%.c)
ULIB_SRC  := $(USR_LIB_SRCS) $(USR_TESTLIB_SRCS)
UFLAGS     = $(UARCH) $(COMMON_FLAGS) -fno-omit-frame-pointer -fno-asynchronous-unwind-tables -Iinclude/uapi $(UFLAGS_EXTRA)
ULDFLAGS   = -nostdlib -z max-page-size=4096 -T $(USR_LDSCRIPT) $(LD_QUIET)

ULIB  := $U/uobj/libuser.a
ULOBJ := $(addsuffix .o,$(basename $(ULIB_SRC:%=$U/uobj/%)))
UOBJ  := $(UPROG_SRC:%.c=$U/uobj/%.o)

# EXTRA: programs (*.c) take the place of ours of the same name; of a folder, each .c that defines main is one, and
# the other .c go into all of them; any other file goes on the image as it is. The shell splits EXTRA into words,
# so that a blank may be quoted; tools/extra_plan.sh finds the programs, and joins words that are one path.
# Two makes for two images do not meet: an image that IMAGE names has a directory of its own.
open  := (
close := )
E := $U/extra$(if $(filter-out $U/fs.img $U/extra.img,$(IMAGE)),/$(notdir $(IMAGE)))
ifneq ($(strip $(EXTRA)),)
EXTRA_WORDS := $(subst $(close),\$(close),$(subst $(open),\$(open),$(subst &,\&,$(subst ;,\;,$(EXTRA)))))
EXTRA_PLAN  := $(shell tools/extra_plan.sh $E $(EXTRA_WORDS))
ifneq ($(filter error:,$(or $(EXTRA_PLAN),error:)),)
$(error $(or $(filter-out error: program:% file:%,$(EXTRA_PLAN)),EXTRA: it names no program and no file; is a quote open?))
endif

# What older compilers only warn of stays a warning: programs take a result of ours as a pointer, or call what
# nobody declares. A message about a macro of ours points at the program.
LENIENT := $(call try,-Wno-error=int-conversion) $(call try,-Wno-error=implicit-function-declaration) \
           $(call try,-Wno-error=incompatible-pointer-types) $(call try,-Wno-error=implicit-int) \
           $(call try,-Wno-error=return-mismatch) $(call try,-Wno-error=declaration-missing-parameter-type) \
           $(call try,-ftrack-macro-expansion=0) $(call try,-fmacro-backtrace-limit=1)
endif
EXTRA_NAMES := $(patsubst program:%,%,$(filter program:%,$(EXTRA_PLAN)))
EXTRA_FILES := $(patsubst file:%,%,$(filter file:%,$(EXTRA_PLAN)))
OUR_NAMES   := $(filter-out $(EXTRA_NAMES),$(notdir $(basename $(UPROG_SRC))))
UPROGS      := $(OUR_NAMES:%=$U/user/_%)
EXTRA_PROGS := $(EXTRA_NAMES:%=$E/_%)

.PHONY: image-files
.SECONDARY: $(UOBJ)

$(eval $(call track,$U/uobj/flags,$$(CC) $$(UFLAGS) $$(ULDFLAGS)))
$(eval $(call track,$U/uobj/objects,$$(ULOBJ)))
$(eval $(call track,$(IMAGE).list,$$(UPROGS) $$(EXTRA_NAMES) $$(EXTRA_FILES)))

$U/uobj/%.o: %.c $U/uobj/flags
	@mkdir -p $(@D)
	$(say) "  CC    $<"
	$(Q)$(CC) $(UFLAGS) -MMD -MP -c -o $@ $<

$U/uobj/%.o: %.S $U/uobj/flags
	@mkdir -p $(@D)
	$(say) "  AS    $<"
	$(Q)$(CC) $(UFLAGS) -MMD -MP -D__ASSEMBLY__ -c -o $@ $<

$(ULIB): $(ULOBJ) $U/uobj/objects
	@rm -f $@
	$(Q)$(AR) rcs $@ $(ULOBJ)

# $(call program,FROM-DIR): link one object of that directory into a program.
define program
$U/user/_%: $U/uobj/$(1)/%.o $(ULIB) $(USR_LDSCRIPT)
	@mkdir -p $$(@D)
	$$(say) "  LD    $$@"
	$(Q)$$(LD) $$(ULDFLAGS) -o $$@ $$< $$(ULIB)
endef
$(foreach d,$(sort $(patsubst %/,%,$(dir $(UPROG_SRC)))),$(eval $(call program,$d)))

# Programs of EXTRA, with xv6's include paths and without our warnings. Made always, since their headers may be
# anywhere; but an image is made anew only if the program has changed.
$(EXTRA_PROGS): $E/_%: $(ULIB) $(USR_LDSCRIPT) $U/uobj/flags FORCE
	$(say) "  EXTRA $*"
	$(Q)tools/extra_cc.sh $@.d $E/$*.src $(CC) $(filter-out -Werror -Wextra,$(UFLAGS)) $(LENIENT)
	$(Q)$(LD) $(ULDFLAGS) -o $@.new $@.d/*.o $(ULIB)
	$(Q)cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# Each program's listing and symbols, as xv6's make leaves them: user/ls.asm, user/ls.sym.
LISTINGS := $(OUR_NAMES:%=$U/user/%) $(EXTRA_NAMES:%=$U/extra/%)

define listing
$U/$(1)/%.asm: $U/$(1)/_%
	$(Q)$$(OBJDUMP) -S $$< > $$@

$U/$(1)/%.sym: $U/$(1)/_%
	$(Q)$$(NM) -n $$< | awk 'NF == 3 { print $$$$1, $$$$3 }' > $$@
endef
$(foreach d,user extra,$(eval $(call listing,$d)))

# ---- The image ------------------------------------------------------------------------------------------

build/tools/%: tools/%.c  ## a tool of the host: build/tools/mkfs, build/tools/fsck
	@mkdir -p $(@D)
	$(say) "  HOSTCC $<"
	$(Q)$(HOSTCC) -O2 -g -std=gnu11 -Wall -Wextra $(if $(WERROR),-Werror) -Iinclude -Itools -MMD -MF $@.d -o $@ $<

$U/README: README.md
	@mkdir -p $(@D); cp $< $@

$(IMAGE): build/tools/mkfs $U/README $(UPROGS) $(EXTRA_PROGS) $(EXTRA_FILES) $(IMAGE).list
	$(say) "  MKFS  $@"
	$(Q)build/tools/mkfs $@.new $U/README $(UPROGS) $(EXTRA_PROGS) $(EXTRA_FILES) > $@.log
	@mv $@.new $@

# fs.img, the link, is the name of the last disk used. Whoever removes it wants a fresh one, whichever it was.
ifeq ($(wildcard fs.img),)
$(filter $U/fs.img $U/extra.img,$(IMAGE)): remove-disks
endif

.PHONY: remove-disks
remove-disks:
	@rm -f $(foreach d,build build/*,$d/fs.img $d/extra.img)

# Links where xv6 has the files: fs.img, user/_prog, user/prog.asm. An image elsewhere (IMAGE=) gets none.
USER_LINKS := $(UPROGS) $(EXTRA_PROGS) $(LISTINGS:=.asm) $(LISTINGS:=.sym)
image-files: $(IMAGE) $(USER_LINKS) build/tools/fsck  ## only the programs and the disk image
	@mkdir -p user; cd user; for p in $(USER_LINKS); do ln -sf ../$$p .; done; \
	for f in *; do case ' $(notdir $(USER_LINKS)) ' in *" $$f "*) ;; *) rm -f $$f ;; esac; done
	$(if $(filter $U/%,$(IMAGE)),@ln -sfn $(IMAGE) fs.img)

# What tests and demo copy: an image that no session of `make qemu` has ever written to.
.PHONY: pristine
pristine: all  ## build/pristine.img, the image that tests copy and nothing writes to
	@$(MAKE) IMAGE=build/pristine.img build/pristine.img

-include $(ULOBJ:.o=.d) $(UOBJ:.o=.d) $(wildcard build/tools/*.d)
