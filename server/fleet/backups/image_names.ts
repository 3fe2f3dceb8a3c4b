/** The image that holds a node's backups: names of images know no capitals. */
export function backupImage(node: string): string {
  return node.toLowerCase();
}
