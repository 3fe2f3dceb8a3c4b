/** Why something cannot be rebuilt on any machine. */
export interface Obstacle {
  /** A sentence about the template. */
  readonly reason: string;
  readonly remedy: string;
}
