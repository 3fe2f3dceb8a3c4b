/** Files that lost something on their way into or out of an image, or blocked that way. */
import { missingForDisks } from "../node/loop_disk.ts";
import { fileSystem, sh, Template } from "../oddities/carried_tree.ts";
import { testReports } from "./report.ts";

interface Carried {
  /** Scripts, run in the template's tree and in the clone's. */
  readonly make: string;
  readonly look: string;
  /** The clone's file system; the template's is ext4. */
  readonly onto?: "ext4" | "ramfs";
  /** A script that changes the clone, which is then restored. */
  readonly harm?: string;
}

/** What `look` prints in the clone, with the notes of its installation. */
async function carried({ make, look, onto = "ext4", harm }: Carried): Promise<string> {
  await using stack = new AsyncDisposableStack();
  const template = stack.use(new Template(await Deno.makeTempDir()));
  const from = await fileSystem(stack, "ext4"), to = await fileSystem(stack, onto);
  await sh(from, make);
  const manifest = await template.capture(from);
  await template.install(manifest, to);
  if (harm !== undefined) {
    await sh(to, harm);
    await template.install(manifest, to, { restores: true });
  }
  return [await sh(to, look), ...template.notes.map((note) => `${note}\n`)].join("");
}

const missing = missingForDisks(["mkfs.ext4", "chattr", "lsattr", "setcap", "getcap", "setfattr", "setfacl"]);
if (missing) console.log(`skipped: reports about files: ${missing}`);
else {
  testReports(carried, [
    {
      report: "fdupoux/fsarchiver#85",
      fault: "an archive had lost the flags of immutable and append-only files",
      input: { make: "echo x > f; chattr +ia f", look: "lsattr f | tr -d e-" },
      right: "ia f\n",
    },
    {
      report: "gilbertchen/duplicacy#468",
      fault: "chattr's flags of a directory, and hard links, did not come back",
      input: {
        make: "mkdir d; echo x > d/a; ln d/a d/b; chattr +i d",
        look: "lsattr -d d | tr -d e-; stat -c %h d/b",
      },
      right: "i d\n2\n",
    },
    {
      report: "borgbackup/borg#921",
      fault: "capabilities were set before the owner, whose change deletes them",
      input: {
        make: "cp /bin/true f; chown 3:4 f; chmod 4755 f; setcap cap_net_raw+ep f",
        look: "getcap f; stat -c '%u:%g %a' f",
      },
      right: "f cap_net_raw=ep\n3:4 4755\n",
    },
    {
      report: "warewulf/warewulf#730",
      fault: "booted nodes had lost the capabilities that files of the image had",
      input: {
        make: "cp /bin/true f; setcap cap_net_bind_service,cap_net_admin+ep f; ln f g",
        look: "getcap g",
      },
      right: "g cap_net_bind_service,cap_net_admin=ep\n",
    },
    {
      report: "borgbackup/borg#3263",
      fault: "a file was made immutable before it got its attributes, which then failed",
      input: {
        make: "echo x > f; setfattr -n user.note -v kept f; touch -d @5 f; chattr +i f",
        look: "getfattr --only-values -n user.note f; stat -c ' %Y' f",
      },
      right: "kept 5\n",
    },
    {
      report: "QubesOS/qubes-issues#8867",
      fault: "a backup failed because a file was immutable",
      input: { make: "mkdir d; echo x > d/f; chattr +i d/f d .", look: "cat d/f" },
      right: "x\n",
    },
    {
      report: "jborg/attic#46",
      fault: "an attribute that the file system cannot hold left files without owner and mode",
      input: {
        make: "echo x > f; setfattr -n user.note -v x f; chown 3:4 f; chmod 4750 f; chattr +d f",
        look: "stat -c '%u:%g %a' f",
        onto: "ramfs",
      },
      right: "3:4 4750\nattribute user.note not kept: f\ninode flags (+d) not kept: f\n",
    },
    {
      report: "borgbackup/borg#2324",
      fault: "hard links of devices and symbolic links came back as copies",
      input: {
        make: "mknod b b 0 0; ln b bh; mknod c c 0 0; ln c ch; ln -s x s; ln -P s sh; mkfifo p; ln p ph",
        look: "stat -c '%n %h' bh ch sh ph",
      },
      right: "bh 2\nch 2\nsh 2\nph 2\n",
    },
    {
      report: "borgbackup/borg#3729",
      fault: "a file last changed one second before 1970 was not backed up",
      input: { make: "echo x > f; touch -d @-1 f", look: "stat -c %Y f" },
      right: "-1\n",
    },
    {
      report: "teejee2008/timeshift#864",
      fault: "sparse files came back without holes and filled the disk",
      input: {
        make: "truncate -s 8G f; echo x | dd of=f bs=1M seek=5000 conv=notrunc status=none",
        look: "stat -c '%s %b' f",
      },
      right: "8589934592 2\n",
    },
    {
      report: "knoxite/knoxite#219",
      fault: "directories had the time of the restore",
      input: {
        make: "mkdir -p a/b; echo x > a/b/f; touch -d '1968-10-07 11:02:45 UTC' a/b a .",
        look: "stat -c %Y . a a/b",
      },
      right: "-38926635\n-38926635\n-38926635\n",
    },
    {
      report: "grke/burp#747",
      fault: "ACLs of directories were not restored",
      input: {
        make: "mkdir d; setfacl -m u:1234:rx,d:u:1234:rwx d; echo x > d/f; setfacl -b d/f; chmod 640 d/f",
        look: "getfacl -cn d | grep 1234; stat -c %a d/f",
        harm: "rm d/f; setfacl -b d",
      },
      right: "user:1234:r-x\ndefault:user:1234:rwx\n640\n",
    },
    {
      report: "bit-team/backintime#708",
      fault: "the root directory itself kept the permissions that the restore had given it",
      input: {
        make: "chmod 1751 .; chown 5:6 .; setfattr -n user.root -v x .",
        look: "stat -c '%a %u:%g' .; getfattr --only-values -n user.root .",
        harm: "chmod 700 .; chown 0:0 .; setfattr -x user.root .",
      },
      right: "1751 5:6\nx",
    },
    {
      report: "saltstack/salt#57057",
      fault: "files left by an intruder could not be deleted, because they were immutable",
      input: {
        make: "mkdir -p etc lib; echo x > etc/passwd",
        look: "find etc lib | sort; cat etc/passwd; lsattr -R . | grep -c -- -i- || true",
        harm: "echo evil | tee etc/ld.so.preload lib/evil.so etc/passwd; chattr -R +i etc lib",
      },
      right: "etc\netc/passwd\nlib\nx\n0\n",
    },
  ]);
}
