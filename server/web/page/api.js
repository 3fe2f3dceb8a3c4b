// Calls of the API, for the scripts of all pages.

/** Calls the API. Throws an Error whose message is meant for people. */
export async function call(method, path, body) {
  const response = await fetch(`/api/v1${path}`, {
    method,
    ...(body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Error("Cannot reach the server. Check that it is running, then try again.");
  });
  if (response.status === 401) location.reload();
  if (response.ok) return response.status === 204 ? undefined : await response.json();
  const { title, detail, remedy } = await response.json();
  throw new Error(`${title}: ${detail} Remedy: ${remedy}`);
}
