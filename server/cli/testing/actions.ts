import type { Actions } from "../actions.ts";

/** Actions that fail when they run, except those in `over`. */
export function unexpectedActions(over: Partial<Actions> = {}): Actions {
  const unexpected = () => Promise.reject(new Error("this action was not expected to run"));
  return {
    version: "1.2.3",
    apiDocument: unexpected,
    signal: new AbortController().signal,
    backUpServer: unexpected,
    restoreServer: unexpected,
    joinServer: unexpected,
    runServer: unexpected,
    runDoctor: unexpected,
    supportBundle: unexpected,
    installService: unexpected,
    uninstallService: unexpected,
    runTemplate: unexpected,
    runInstall: unexpected,
    sendTree: unexpected,
    exportDisk: unexpected,
    claimDevice: unexpected,
    ...over,
  };
}
