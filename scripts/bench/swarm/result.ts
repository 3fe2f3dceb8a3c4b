/** The result of one engine with one number of nodes. */
export interface Result {
  readonly engine: string;
  readonly nodes: number;
  /** The median time of the runs, from the start of the nodes to the last byte of the last node. */
  readonly seconds: number;
  readonly allSeconds: readonly number[];
  /** Processor time of server and nodes per GB (10^9 bytes) that nodes have received. */
  readonly cpuSecondsPerGb: number;
  /** The peak memory of any node's program in any run, without payload. */
  readonly memoryMib: number;
  /** Bytes sent on the server's link, as a multiple of the payload. */
  readonly serverSent: number;
}
