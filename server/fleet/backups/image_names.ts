/** The image that holds a node's backups. Image names are in lower case. */
export function backupImage(node: string): string {
  return node.toLowerCase();
}
