/**
 * Ends a bench cleanly: the first Ctrl-C or SIGTERM aborts the signal, which stops its programs, and the bench removes
 * what it has set up before it ends.
 */
export function interruption(): AbortSignal {
  const abort = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => abort.abort(new Error(`ended by ${name}`)));
  }
  return abort.signal;
}
