import { portError, type PortName } from "../../boot/port_holder.ts";

/** Runs what binds a port; where that cannot be had, the error says which program holds it. */
export async function bind<T>(
  name: PortName,
  { action, start }: { action: string; start: () => T | Promise<T> },
): Promise<T> {
  try {
    return await start();
  } catch (error) {
    throw portError(name, { action, error: systemError(error) });
  }
}

/** What the system said, beneath the layers that wrapped it. node:dgram has codes where Deno has classes. */
function systemError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") return new Deno.errors.AddrInUse(error.message);
  if (code === "EACCES") return new Deno.errors.PermissionDenied(error.message);
  return error.cause === undefined ? error : systemError(error.cause);
}
