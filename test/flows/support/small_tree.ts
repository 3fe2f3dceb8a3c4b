/** Makes a small tree with one of each kind of entry that needs no root. */
export async function makeSmallTree(root: string): Promise<void> {
  await Deno.mkdir(root);
  const script = `
    mkdir -p etc srv/deep/er empty-folder && printf 'web\\n' > etc/hostname && : > empty
    for i in $(seq 200); do printf "file $i" > srv/deep/$i; done
    head -c 9000000 /dev/urandom > srv/large; truncate -s 20M sparse; printf end >> sparse
    printf shared > one; ln one two; ln -s /nowhere dangling; ln -s etc/hostname link; mkfifo fifo
    printf x > "$(printf 'latin1-\\344 name\\nwith a line end')"
    mkdir -m 1777 sticky; chmod 4750 etc/hostname; touch -d '1999-12-31 23:59:59.123456789 UTC' one`;
  const { code, stderr } = await new Deno.Command("sh", { args: ["-ec", script], cwd: root }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
}
