"""Switching off in order: what calls have reported done is on the disk afterwards."""

import shutil

import pytest

from machine import BUILD, fsck, qemu_arguments


@pytest.fixture
def image(tmp_path):
    copy = tmp_path / "disk.img"
    shutil.copy(BUILD / "boot-tests.img", copy)
    return copy


@pytest.mark.weight(20)
@pytest.mark.parametrize("cpus,variant,how", [(3, "", "off"), (1, "check", "off"), (3, "check", "reboot"), (2, "", "full")])
def test_nothing_reported_done_is_lost(boot, image, cpus, variant, how):
    """Six processes change files, and two ask for the end at once."""
    machine = boot(image=image, cpus=cpus, variant=variant)
    machine.start(f"orderly {how}")
    if how == "reboot":
        machine.wait_for_shell()
    else:
        machine.wait_for_end()
        assert fsck(image) == (0, "fsck: clean\n")
        assert "shutdown:" not in machine.text()
        machine = boot(image=image, cpus=cpus)
    assert "orderly: OK" in machine.run("orderly check")
    machine.poweroff()


@pytest.mark.weight(10)
@pytest.mark.parametrize("call", ["sync", "fsync"])
def test_synced_files_survive_a_power_cut(boot, image, call):
    """Four processes go on changing other files, so that the transaction is seldom empty."""
    machine = boot(image=image)
    machine.start(f"orderly {call}")
    machine.expect_line("orderly: synced 0")
    machine.kill()
    machine = boot(image=image)
    assert "orderly: OK" in machine.run("orderly kept")
    machine.poweroff()


@pytest.mark.weight(15)
def test_calls_have_ten_seconds_to_end(boot, image):
    """One write of 268 KiB would take half a minute on this disk: the power goes, and the file system is whole."""
    machine = boot(image=image, command=qemu_arguments(cpus=1, options=[
        "-drive", f"file={image},if=none,format=raw,id=x0,throttling.iops-write=2,throttling.iops-write-max=30",
        "-device", "virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0"]))
    machine.run("orderly long")
    machine.start("poweroff")
    machine.expect_line("shutdown: 1 calls do not end, what they write may be lost")
    machine.wait_for_end()
    assert fsck(image, "--replay", "--allow-orphans")[0] == 0
