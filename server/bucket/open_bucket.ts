/** The bucket that the server's settings name. */
import { readAuthority } from "../connections/pem_file.ts";
import { credentialsFrom } from "./credentials.ts";
import { S3Bucket } from "./s3_bucket.ts";

export interface BucketSettings {
  readonly packStore?: { readonly bucket: string; readonly prefix: string } | undefined;
  readonly s3Endpoint?: URL | undefined;
  readonly s3Region?: string;
  readonly s3Addressing?: "path" | "host" | undefined;
  readonly s3KeyFile?: string | undefined;
  readonly s3CaFile?: string | undefined;
}

/** Undefined if they name none. Asks nothing of the object store. Throws RackseedError. */
export function openBucket(
  { packStore, s3Endpoint, s3Region = "us-east-1", s3Addressing, s3KeyFile, s3CaFile }: BucketSettings,
): S3Bucket | undefined {
  if (packStore === undefined) return undefined;
  const endpoint = s3Endpoint ?? new URL(`https://s3.${s3Region}.amazonaws.com`);
  const addressing = s3Addressing ?? (s3Endpoint === undefined ? "host" : "path");
  return new S3Bucket({ ...packStore, endpoint, region: s3Region, addressing }, {
    credentials: credentialsFrom(s3KeyFile),
    caPem: readAuthority(s3CaFile, { setting: "--s3-ca-file", title: "cannot open the pack store" }),
  });
}
