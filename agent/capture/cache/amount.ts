export interface Amount {
  readonly files: number;
  readonly bytes: number;
}
