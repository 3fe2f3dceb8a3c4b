/** RHEL 8's mkfs.xfs has neither: an XFS with them is not mounted by its kernel. */
export const xfsAsInRhel8: readonly string[] = ["-m", "bigtime=0,inobtcount=0"];
