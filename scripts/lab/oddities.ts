/** Puts what a naive copy would lose into the template, so that the comparison finds it. */
import { run } from "./command.ts";

export const oddityPrograms = ["setfacl", "setfattr", "setcap", "bash", "mkfifo", "mknod"];

/** Writes the folder /opt/oddities into the tree at `root`. */
export async function plantOddities(
  root: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
) {
  await Deno.mkdir(`${root}/opt/oddities`, { recursive: true });
  await run(["bash", "-ec", script, "oddities", `${root}/opt/oddities`], { signal });
}

const script = String.raw`
cd "$1"
echo shared > acl; setfacl -m u:1001:rw,g:1002:r acl
mkdir acl-dir; setfacl -m d:u:1001:rwx,u:1001:rx acl-dir
cp --no-preserve=all /bin/true capable; chmod 755 capable; setcap cap_net_raw+ep capable
echo noted > attributes; setfattr -n user.note -v "kept exactly" attributes; setfattr -n user.binary -v 0x00ff0a00 attributes
truncate -s 64M sparse; printf middle | dd of=sparse bs=1M seek=32 conv=notrunc status=none
printf end | dd of=sparse bs=1 seek=67108861 conv=notrunc status=none
truncate -s 1M only-hole
head -c 1048576 /dev/zero > dense-zeros
echo linked > hard-1; ln hard-1 hard-2; mkdir links; ln hard-1 links/hard-3
ln -s hard-1 link; ln -s /nowhere/at/all dangling; ln -s . loop
touch "$(printf 'caf\351-latin1')" "$(printf 'two\nlines')" " blank " "back\\slash" 'quote"d' "umlaut-ü"
cp --no-preserve=all /bin/true setuid; chmod 4755 setuid
mkdir sticky; chmod 1777 sticky; mkdir setgid; chown 0:50 setgid; chmod 2775 setgid
mkfifo -m 640 fifo; mknod -m 600 block b 7 200; mknod -m 666 character c 1 3
: > empty; mkdir empty-dir; echo foreign > owned; chown 12345:54321 owned; chmod 0 owned
head -c 9000001 /dev/urandom > large
echo old > old; touch -d '1999-12-31 23:59:59.123456789 UTC' old
echo future > future; touch -d '2100-01-01 00:00:00.000000001 UTC' future
mkdir old-dir; touch -h -d '2001-02-03 04:05:06.789012345 UTC' link old-dir
`;
