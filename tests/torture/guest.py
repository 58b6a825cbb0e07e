# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual machine with nothing in it but Debian's kernel, busybox and thetad, whose store is on a
disk of its own. Its power can be cut: kill -9 of QEMU leaves on the disk what the guest's kernel
had written by then. QEMU emulates the processor, so no KVM is needed."""

import contextlib
import os
import platform
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from support.daemon import SANITIZER_SPOKE, _die_with_parent, free_port
from support.keys import Keys
from thetad import Client, NoReply, ThetadError

ROLES = "frontend proctor teacher author admin metrics"
MODULES = ("virtio_pci", "virtio_blk", "virtio_net")
FILE_SYSTEMS = ("ext4", "xfs")
DISK_BYTES = 400 << 20
MEMORY_MIB = 384
# A guest is given up after so long and so much of a processor, or after so long anyhow: on a busy
# host what takes few seconds of a processor may take any time.
BOOT_S, BOOT_PROCESSOR_S, BOOT_MOST_S = 120, 40, 600
CARD = "10.0.2.15"  # the guest's address in QEMU's own network
PORT = 7350
INIT = """\
#!/busybox sh
export PATH=/ LD_LIBRARY_PATH=/lib {environment}
/busybox mount -t proc proc /proc
/busybox mount -t devtmpfs devtmpfs /dev
for module in {modules}; do /busybox insmod /modules/$module; done
/busybox ifconfig lo 127.0.0.1 up
/busybox ifconfig eth0 {card} up
/busybox mount -t {file_system} /dev/vda /disk || echo "guest: no disk"
/busybox mkdir -p /disk/store
if [ -e /disk/store/data.mdb ]; then /theta verify /disk/store; echo "guest: verify ended $?"; fi
/thetad --config /thetad.conf
echo "guest: thetad ended $?"
/busybox poweroff -f
"""
CONFIG = f"""\
[thetad]
data_dir = /disk/store
[ipc]
endpoint =
[tcp]
endpoint = tcp://{CARD}:{PORT}
[sessions]
idle_s = 1
[access]
server_key = /server.secret
keys = /keys
"""


def kernel_of(folder):
    """(kernel, folder of its modules) below a folder, None where there is none."""
    for kernel in sorted(Path(folder).glob("boot/vmlinuz-*-cloud-amd64"), reverse=True):
        modules = Path(folder) / "lib/modules" / kernel.name.removeprefix("vmlinuz-")
        if modules.is_dir():
            return kernel, modules
    return None


def missing(kernels):
    """Why there can be no guest here; empty where there can. `kernels`: folders to look in."""
    if platform.machine() != "x86_64":
        return "the guest is an x86-64 one"
    absent = [name for name in ("qemu-system-x86_64", "busybox", "cpio") if not shutil.which(name)]
    if absent:
        return f"needs {', '.join(absent)}: ./run torture 60 vm installs that"
    if not any(kernel_of(folder) for folder in kernels):
        return "needs Debian's cloud kernel: ./run torture 60 vm fetches it"
    return ""


def maker_of(file_system):
    return shutil.which(f"mkfs.{file_system}", path=os.environ.get("PATH", "") + ":/sbin:/usr/sbin")


def needed_modules(modules, names):
    """Files of kernel modules, each behind those that it needs."""
    files = {path.name.split(".")[0].replace("-", "_"): path for path in modules.rglob("*.ko")}
    order = []

    def add(name):
        if name not in files or files[name] in order:
            return  # built in
        data = files[name].read_bytes()
        for needed in re.search(rb"\0depends=([^\0]*)\0", data)[1].decode().split(","):
            add(needed.replace("-", "_"))
        order.append(files[name])

    for name in names:
        add(name)
    return order


def libraries_of(program):
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"(/\S+) \(0x", told))


class Guest:
    """The machine. What crowd.Crowd and crowd.Audit ask of a daemon, this has too."""

    def __init__(self, folder, programs, kernels, file_system, environment):
        """`programs`: paths of thetad and theta."""
        self.folder = Path(folder)
        self.kernel, modules = next(filter(None, map(kernel_of, kernels)))
        self.file_system = file_system
        self.disk = self.folder / "disk"
        self.serial = self.folder / "serial"
        self.keys = Keys(str(folder))
        self.key = self.keys.add("everybody", role=ROLES)
        self.process = self.endpoint = None
        self._make_disk()
        self._make_root(programs, modules, environment)

    def _make_disk(self):
        with open(self.disk, "wb") as file:
            file.truncate(DISK_BYTES)
        subprocess.run([maker_of(self.file_system), "-q", str(self.disk)], check=True,
                       capture_output=True)

    def _make_root(self, programs, modules, environment):
        root = self.folder / "root"
        for name in ("proc", "dev", "disk", "lib", "lib64", "modules"):
            (root / name).mkdir(parents=True)
        shutil.copytree(self.keys.public_folder, root / "keys")
        for path in (*programs, shutil.which("busybox"), self.keys.server_file):
            shutil.copy(path, root / Path(path).name)
        for library in set().union(*map(libraries_of, programs)):
            shutil.copy(library, root / ("lib64" if "ld-linux" in library else "lib"))
        needed = needed_modules(modules, (*MODULES, self.file_system))
        for path in needed:
            shutil.copy(path, root / "modules")
        (root / "thetad.conf").write_text(CONFIG, encoding="utf-8")
        told = " ".join(f"{name}='{value}'" for name, value in environment.items())
        (root / "init").write_text(INIT.format(
            environment=told, modules=" ".join(path.name for path in needed), card=CARD,
            file_system=self.file_system), encoding="utf-8")
        (root / "init").chmod(0o755)
        with open(self.folder / "initramfs", "wb") as out:
            names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
            subprocess.run(["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"],
                           input=names.encode(), cwd=root, stdout=out, check=True)

    def boot(self):
        """Power on; what the check of the store said, as texts, once thetad serves."""
        port = free_port()
        self.endpoint = f"tcp://127.0.0.1:{port}"
        self.serial.write_bytes(b"")
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
             "-no-reboot", "-accel", "tcg", "-cpu", "qemu64,+rdrand", "-m", str(MEMORY_MIB),
             "-kernel", str(self.kernel), "-initrd", str(self.folder / "initramfs"),
             "-append", "console=ttyS0 quiet panic=-1 random.trust_cpu=on no_timer_check",
             "-serial", f"file:{self.serial}",
             "-drive", f"file={self.disk},if=virtio,format=raw,cache=writeback",
             "-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-{CARD}:{PORT}",
             "-device", "virtio-net-pci,netdev=net,romfile="],
            stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, stdout=subprocess.DEVNULL,
            preexec_fn=_die_with_parent)
        self._wait_ready()
        verified = re.search(r"guest: verify ended (\d+)", self.log())
        return [self.log()] if verified and verified[1] != "0" else []

    def _wait_ready(self):
        start = time.monotonic()
        with self.client(timeout=5, tries=1) as client:
            while self.process.poll() is None and "guest: thetad ended" not in self.log():
                waited_s = time.monotonic() - start
                if waited_s > (BOOT_S if self._processor_s() > BOOT_PROCESSOR_S else BOOT_MOST_S):
                    break
                with contextlib.suppress(NoReply, ThetadError):
                    client.ping()
                    return
        raise AssertionError(f"thetad does not serve in the guest:\n{self.log()[-3000:]}")

    def _processor_s(self):
        """How long QEMU has had a processor."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def cut(self):
        """The power goes."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        if SANITIZER_SPOKE.search(self.log()):
            raise AssertionError("a sanitizer spoke:\n" + self.log())

    def log(self):
        return self.serial.read_text(encoding="utf-8", errors="replace")

    def client(self, **options):
        return Client(self.endpoint, **options, **self.key)
