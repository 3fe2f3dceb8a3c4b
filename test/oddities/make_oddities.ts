/** A real tree with everything that a file system can hold and a copy may lose. */
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { AT_FDCWD, makeNodeAt } from "../../agent/sys/libc.ts";

/** The programs that `makeOddities` and `describeTree` need, with their Debian packages. */
const ODDITY_PROGRAMS = { setfacl: "acl", getfattr: "attr", setcap: "libcap2-bin", find: "findutils" };

/** Why the oddities cannot be made here; undefined if they can. */
export function odditiesLack(): string | undefined {
  if (Deno.uid() !== 0) return "needs root: devices, owners, trusted attributes";
  for (const [program, debianPackage] of Object.entries(ODDITY_PROGRAMS)) {
    const found = new Deno.Command("sh", { args: ["-c", `command -v ${program}`], stdout: "null" })
      .outputSync();
    if (!found.success) return `needs ${program} (apt-get install ${debianPackage})`;
  }
  return undefined;
}

/** Fills `directory`, which exists and is empty, with a few MiB. */
export function makeOddities(directory: string): void {
  const { success, stderr } = new Deno.Command("bash", {
    args: ["-euc", SCRIPT],
    cwd: directory,
    env: { LC_ALL: "C", TZ: "UTC" },
  }).outputSync();
  if (!success) throw new Error(`the oddities cannot be made: ${new TextDecoder().decode(stderr)}`);
  makeNodeAt(AT_FDCWD, bytePathOfText(`${directory}/special/socket`), { type: "socket", mode: 0o600 });
}

const SCRIPT = String.raw`
umask 022
mkdir plain special names links sparse modes xattrs times large empty-directory

echo hello > plain/hello
: > plain/empty
cp plain/hello plain/same-content
head -c 4096 /dev/zero > plain/zeros-that-are-stored

chmod_new() { : > "$2"; echo "$2" > "$2"; chmod "$1" "$2"; }
chmod_new 4755 modes/setuid
chmod_new 2755 modes/setgid
chmod_new 7777 modes/all
chmod_new 0000 modes/none
mkdir modes/sticky modes/setgid-directory modes/closed
chmod 1777 modes/sticky
chmod 2775 modes/setgid-directory
echo inside > modes/closed/file
chmod 0000 modes/closed
chmod_new 4750 modes/owned-setuid
chown 12345:54321 modes/owned-setuid
chmod 4750 modes/owned-setuid
: > modes/high-owner
chown 4294967294:4294967294 modes/high-owner
mkdir modes/owned-directory
echo x > modes/owned-directory/file
chown -R 1000:1000 modes/owned-directory
ln -s nowhere modes/owned-symlink
chown -h 1000:1000 modes/owned-symlink

mkfifo special/fifo
mknod special/null c 1 3
mknod special/disk b 259 1048575
mknod special/high-major c 4095 7
chmod 4666 special/null
chown 7:8 special/fifo

echo a > names/$'newline\nin name'
echo b > names/$'tab\tand \x01\x7f control'
echo c > names/$'quotes \' " \x60 \\ $HOME'
echo d > names/$'not-utf8-\xff\xfe\x80'
echo e > names/'ünïcödé 漢字 🦊'
echo f > names/'-n'
echo g > names/' leading and trailing '
echo h > names/"$(printf 'x%.0s' {1..255})"
echo i > names/$(printf '\xe9%.0s' {1..255})
mkdir names/$'directory-\xf0\x28'
echo j > names/$'directory-\xf0\x28'/$'\x80'
mkdir names/a names/a-b names/a.b
touch names/a/x names/a-b/x names/a.b/x "names/a b" names/a! names/aa
ln -s $'target-\xff\n' names/$'link-\xfe'
(
  cd names
  component=$(printf 'd%.0s' {1..190})
  for _ in {1..20}; do mkdir "$component"; cd "$component"; done
  echo deep > file
)

mkdir links/other
echo shared > links/first
ln links/first links/other/second
ln links/first links/$'third-\xff'
echo z > links/z-first
ln links/z-first links/a-second
ln -s hello links/dangling
ln -s /etc/passwd links/absolute
ln -s ../plain links/to-directory
ln -s "$(printf 'y%.0s' {1..4000})" links/long
ln -s . links/self
ln -P links/dangling links/dangling-too

random() { head -c "$1" /dev/urandom; }
truncate -s 1M sparse/all-hole
truncate -s 1M sparse/hole-at-start; random 4096 | dd of=sparse/hole-at-start bs=4096 seek=255 conv=notrunc status=none
random 4096 > sparse/hole-at-end; truncate -s 1M sparse/hole-at-end
random 4096 > sparse/hole-in-middle; random 5000 | dd of=sparse/hole-in-middle bs=4096 seek=100 conv=notrunc status=none
truncate -s 70001 sparse/odd-size
random 10 | dd of=sparse/odd-size bs=1 seek=30000 conv=notrunc status=none
truncate -s 12M sparse/striped
for i in {0..11}; do random 100000 | dd of=sparse/striped bs=1M seek=$i conv=notrunc status=none; done
random 1048576 > sparse/over-4-gib
truncate -s 4400M sparse/over-4-gib
random 70000 | dd of=sparse/over-4-gib bs=1M seek=4400 conv=notrunc status=none

random 4194304 > large/one-extent
random 4194305 > large/one-byte-more
random 20000000 > large/cut
cp large/cut large/cut-again
cp large/one-extent large/once-more

echo acl > xattrs/acl; setfacl -m u:1234:rwx,g:4321:r-- xattrs/acl
mkdir xattrs/default-acl; echo x > xattrs/default-acl/before
setfacl -d -m u:1234:rwx xattrs/default-acl
echo cap > xattrs/capability; chmod 755 xattrs/capability; chown 3:4 xattrs/capability
setcap cap_net_raw,cap_net_admin+ep xattrs/capability
for kind in file directory; do
  if [ $kind = file ]; then echo x > xattrs/$kind; else mkdir xattrs/$kind; fi
  setfattr -n user.origin -v here xattrs/$kind
  setfattr -n user.empty xattrs/$kind
  setfattr -n user.binary -v 0x00ff0a0d22 xattrs/$kind
  setfattr -n trusted.secret -v root xattrs/$kind
  setfattr -n security.rackseed -v label xattrs/$kind
done
setfattr -n user.large -v "$(printf 'v%.0s' {1..2000})" xattrs/file
: > xattrs/empty-file; setfattr -n user.origin -v there xattrs/empty-file
ln -s x xattrs/symlink; setfattr -h -n trusted.link -v 1 xattrs/symlink
mknod xattrs/device c 1 5; setfattr -n trusted.device -v 1 xattrs/device
mkfifo xattrs/fifo; setfattr -n trusted.fifo -v 1 xattrs/fifo; setfattr -n security.rackseed -v label xattrs/fifo
setfattr -h -n security.rackseed -v label xattrs/symlink
echo cap > xattrs/setuid-capable; chown 5:6 xattrs/setuid-capable; chmod 6755 xattrs/setuid-capable
setcap cap_chown+ep xattrs/setuid-capable
mkdir xattrs/overlay; setfattr -n trusted.overlay.opaque -v y xattrs/overlay; mknod xattrs/overlay/whiteout c 0 0
echo read-only > xattrs/read-only; setfattr -n user.origin -v here xattrs/read-only; chmod 444 xattrs/read-only

echo t > times/nanoseconds; touch -d '2023-04-05 06:07:08.123456789' times/nanoseconds
echo t > times/before-1970; touch -d '1931-05-06 07:08:09.987654321' times/before-1970
echo t > times/far-future; touch -d '2399-12-31 23:59:59.000000001' times/far-future
echo t > times/zero; touch -d '1970-01-01' times/zero
ln -s x times/symlink; touch -h -d '2001-02-03 04:05:06.7' times/symlink
mkdir times/directory; echo x > times/directory/x; touch -d '1999-01-01 00:00:00.5' times/directory
touch -d '2010-01-01 00:00:00.25' special/fifo special/null empty-directory
`;
