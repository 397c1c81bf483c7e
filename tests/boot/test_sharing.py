"""All faces of sharing: side by side, across a power cut, with the courses' own programs, without a service."""

import re
import shutil
import subprocess

import pytest

from machine import BUILD, PROMPT, ROOT

COURSES = ["shmem_test", "shmem_test1", "shmem_test2", "log_test", "crypto_cli", "shmem_count", "shm_cnt", "shm_cnt -u",
           "mmap_test", "share_demo"]


def ok(machine, command, wait=120):
    output = machine.run(command, wait)
    assert output.rstrip().endswith(f"{command.split()[0]}: OK"), output[-2000:]
    return output


def kill_server(machine):
    """Kill process 2: another server starts, and then serves. The prompt may come before or after its line."""
    words = "crypto_srv: starting"
    machine.start("kill 2")
    machine.expect(rf"(?s){words}.*?{PROMPT}|{PROMPT}.*?{words}[^\n]*\n")
    assert any(machine.run("crypto_cli").endswith("crypto_cli: OK\n") for _ in range(50))


@pytest.fixture
def test_image(tmp_path):
    """A copy of the image that holds the programs of tests/boot/programs."""
    image = tmp_path / "disk.img"
    shutil.copy(BUILD / "boot-tests.img", image)
    return image


@pytest.mark.weight(20)
@pytest.mark.parametrize("cpus", [1, 2, 3, 8])
def test_side_by_side(boot, cpus):
    machine = boot(cpus=cpus, variant="check")
    for program in COURSES:
        ok(machine, program)
    ok(machine, "t_sidebyside", 300)
    machine.poweroff()


def test_every_face_on_two_harts(boot):
    machine = boot(cpus=2, variant="check")
    for program in ["t_crypto", "t_cryptoend", "t_ids", "t_mmap", "t_mmapmore", "t_mmapfile", "t_mmapcut", "t_grant"]:
        ok(machine, program, 300)
    machine.poweroff()


def test_what_the_programs_print(boot):
    """The texts that the courses' handouts show."""
    machine = boot()
    assert ok(machine, "shmem_count").split()[:11] == [str(n) for n in range(10, 21)]
    lines = re.findall(r"^Counter in (?:parent|child) is (\d+)$", ok(machine, "shm_cnt"), re.MULTILINE)
    assert len(lines) == 20 and lines.count("20000") == 1
    assert "Hello child" in ok(machine, "shmem_test1")
    assert "Hello daddy" in ok(machine, "shmem_test2")
    output = ok(machine, "crypto_cli")
    assert re.match(r"crypto_cli: attempting to decrypt message\ncrypto_cli: decrypted message: \w", output)
    machine.poweroff()


@pytest.mark.parametrize("how", ["store", "sync"])
def test_stores_to_a_file_survive(boot, test_image, how):
    """What was stored through a mapping is on the disk: after exit and power-off, after msync and a power cut."""
    machine = boot(image=test_image)
    if how == "store":
        ok(machine, "mapfile store")
        machine.poweroff()
    else:
        machine.start("mapfile sync")
        machine.expect("mapfile: synced")
        machine.kill()
    machine = boot(image=test_image)
    ok(machine, "mapfile check")
    machine.poweroff()


def test_other_dialects(boot, test_image):
    machine = boot(image=test_image)
    ok(machine, "x86form")
    ok(machine, "labform")
    machine.poweroff()


def test_service_is_process_2(boot):
    """And so is each successor: nobody else ever gets that pid."""
    machine = boot()
    assert "crypto_srv: starting" in machine.text()
    for _ in range(2):
        assert re.search(r"^2\s+1\s+sleeping\s+\d+\s+crypto_srv$", machine.run("ps"), re.MULTILINE)
        kill_server(machine)
    machine.poweroff()


def test_image_without_service(boot, test_image):
    """Then the shell is process 2, and requests are refused, in words that a client sees that only polls."""
    machine = boot(image=test_image)
    machine.run("rm crypto_srv")
    machine.poweroff()
    machine = boot(image=test_image)
    assert re.search(r"^2\s+1\s+\w+\s+\d+\s+sh$", machine.run("ps"), re.MULTILINE)
    assert "takes no requests" in machine.run("crypto_cli")
    assert ok(machine, "badop") == "badop: refused\nbadop: OK\n"
    ok(machine, "shmem_test")
    machine.poweroff()


def test_server_of_the_course(boot, tmp_path):
    """EXTRA puts a student's server in the place of ours, which wants to be process 2, and is so after a kill, too."""
    image = tmp_path / "course.img"
    programs = [ROOT / "tests/boot/programs" / name for name in ("course/crypto_srv.c", "badop.c")]
    extra = " ".join(str(p) for p in programs)
    subprocess.run(["make", "-s", f"EXTRA={extra}", f"IMAGE={image}", str(image)], cwd=ROOT, check=True,
                   capture_output=True)
    machine = boot(image=image)
    ok(machine, "crypto_cli")
    assert ok(machine, "badop") == "badop: accepted\nbadop: OK\n"
    kill_server(machine)
    machine.poweroff()
