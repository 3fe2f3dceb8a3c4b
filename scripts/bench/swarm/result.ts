/** One engine with so many nodes. */
export interface Result {
  readonly engine: string;
  readonly nodes: number;
  /** Median of the runs: from the start of the nodes to the last node's last byte. */
  readonly seconds: number;
  readonly allSeconds: readonly number[];
  /** Server and nodes together, for every GB (10^9 bytes) that nodes have received. */
  readonly cpuSecondsPerGb: number;
  /** The most that any node's program held in any run, without payload. */
  readonly memoryMib: number;
  /** What the server's link carried, as a multiple of the payload. */
  readonly serverSent: number;
}
