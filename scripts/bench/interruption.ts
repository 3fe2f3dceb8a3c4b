/**
 * Ends a bench in order: the first Ctrl-C or SIGTERM aborts the signal, the programs under it are stopped, and
 * what the bench has set up is undone before it ends.
 */
export function interruption(): AbortSignal {
  const abort = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => abort.abort(new Error(`ended by ${name}`)));
  }
  return abort.signal;
}
