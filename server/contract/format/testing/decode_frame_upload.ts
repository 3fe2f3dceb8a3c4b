/** A frame upload decoded in one call. The server instead proves the table while workers unpack the contents. */
import { parseFrameUpload, type UploadedExtent, uploadedExtents } from "../frame_upload.ts";
import { unpack } from "../sealed.ts";

/** The extents: views into `body`, unless they are packed. Throws RangeError if the body is malformed. */
export function decodeFrameUpload(body: Uint8Array): UploadedExtent[] {
  const upload = parseFrameUpload(body);
  const { contents, isPacked, rawBytes } = upload;
  return uploadedExtents(upload, isPacked ? unpack(contents, rawBytes) : contents);
}
