"""A switch port that carries one VLAN tagged, and nothing else, between a machine of QEMU and a bridge.

Usage: tagged_port.py SOCKET BRIDGE VLAN

The machine's frames come by a Unix socket of QEMU (-netdev stream: length, 4 bytes, then the frame). Those that have the
VLAN's tag go to the bridge without it; all others are dropped. The bridge's frames get the tag.
"""
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000
TPID = b"\x81\x00"

path, bridge, vlan = sys.argv[1], sys.argv[2], int(sys.argv[3])
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", b"tagged", IFF_TAP | IFF_NO_PI))
subprocess.run(["ip", "link", "set", "tagged", "master", bridge, "up"], check=True)
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen(1)
print("plugged in", flush=True)
machine, _ = server.accept()
received, dropped = b"", set()
while True:
    readable, _, _ = select.select([tap, machine], [], [])
    if tap in readable:
        frame = os.read(tap, 65536)
        frame = frame[:12] + TPID + struct.pack(">H", vlan) + frame[12:]
        machine.sendall(struct.pack(">I", len(frame)) + frame)
    if machine in readable:
        chunk = machine.recv(1 << 20)
        if not chunk:
            break
        received += chunk
        while len(received) >= 4 and len(received) >= 4 + (length := struct.unpack(">I", received[:4])[0]):
            frame, received = received[4:4 + length], received[4 + length:]
            is_tagged = frame[12:14] == TPID and struct.unpack(">H", frame[14:16])[0] & 0xFFF == vlan
            if is_tagged:
                os.write(tap, frame[:12] + frame[16:])
            elif frame[12:14] not in dropped:
                dropped.add(frame[12:14])
                print("dropped a frame without the tag, of type", frame[12:14].hex(), flush=True)
