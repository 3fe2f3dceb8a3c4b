/** What the server needs from a bucket. A key is below the bucket's prefix: "packs/SHA256.pack". */

export interface StoredObject {
  readonly key: string;
  readonly sizeBytes: number;
}

/** Where an upload stands, so that it can go on after a restart. */
export interface UploadProgress {
  /** The server's name for the upload. */
  readonly uploadId: string;
}

export interface ObjectStore {
  /** For people: "s3://images/site-1". */
  readonly url: string;
  /**
   * Uploads a file and proves that the bucket has the same bytes. `resume`: an upload that did not end. Throws
   * DamagedFile, with nothing stored, if the file has another hash.
   */
  upload(key: string, options: {
    readonly path: string;
    readonly sha256: string;
    readonly resume?: UploadProgress | undefined;
    /** Called before the first byte is sent. */
    readonly onBegin: (progress: UploadProgress) => void;
    readonly signal: AbortSignal;
  }): Promise<void>;
  /** Downloads an object to a new file. Throws BucketError ("corrupt") unless size and hash match. */
  download(key: string, options: {
    readonly path: string;
    readonly sizeBytes: number;
    readonly sha256: string;
    readonly signal: AbortSignal;
  }): Promise<void>;
  /** All objects below the key's beginning. */
  list(below: string, signal: AbortSignal): AsyncIterable<StoredObject>;
  /** Removes an object; one that is gone already counts as removed. */
  remove(key: string, signal: AbortSignal): Promise<void>;
  /** Drops the parts of an upload that will not be continued. */
  abandon(key: string, progress: UploadProgress & { readonly signal: AbortSignal }): Promise<void>;
  /** A URL at which anyone may read the object, for at least `seconds`. */
  urlOf(key: string, seconds: number): string;
}
