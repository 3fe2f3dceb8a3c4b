/** An address below /images: NAME is a lineage, NAME@VERSION or NAME@TAG a version. */
import { LineagePage } from "./lineage_page.tsx";
import { VersionPage } from "./version_page.tsx";

export function ImagePage({ image = "" }: { image?: string }) {
  return image.includes("@")
    ? <VersionPage key={image} image={image} />
    : <LineagePage key={image} name={image} />;
}
