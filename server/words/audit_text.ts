/** The actions of the audit log in words. Their codes are stable: people filter and alert by them. */

const ACTIONS = {
  "login": "log in",
  "logout": "log out",
  "password.set": "set a password",
  "node.set": "change a node's settings",
  "node.delete": "delete a node",
  "node.deploy": "order a deployment",
  "node.restore": "order a restore",
  "node.power": "switch nodes on or off",
  "node.power-set": "set how nodes are switched on and off",
  "node.discover": "order the discovery of hardware",
  "node.accept-hardware": "accept a node's changed hardware",
  "node.forget-tpm": "forget a node's TPM",
  "node.restart": "restart a node into the installer",
  "node.cancel": "cancel an order",
  "node.backup": "order a backup",
  "node.backup-at-boot": "order a backup at the next boot",
  "node.sign": "sign a node's boot programs",
  "node.check": "order a comparison with the image",
  "node.agent-token": "make a token for a node's agent",
  "node.recovery-key": "see a recovery key",
  "deployment.cancel": "cancel a deployment",
  "deployment.retry": "order a deployment's failed nodes again",
  "deployment.pause": "pause a deployment",
  "deployment.resume": "resume a deployment",
  "schedule.add": "add a schedule",
  "schedule.change": "change a schedule",
  "schedule.pause": "pause a schedule",
  "schedule.resume": "resume a schedule",
  "schedule.run": "run a schedule by hand",
  "schedule.remove": "remove a schedule",
  "machine.adopt": "make nodes of machines that appeared",
  "capture.begin": "begin a capture",
  "capture.cancel": "cancel a capture",
  "capture.publish": "publish a captured version",
  "image.set": "change an image's settings",
  "image.tag": "set a tag",
  "image.untag": "remove a tag",
  "image.note": "set a version's note",
  "image.delete": "delete a version",
  "image.prune": "prune versions",
  "image.export": "export a version",
  "image.rehearse": "rehearse a version",
  "image.rehearse-cancel": "cancel a rehearsal",
  "image.read": "read a file of a version",
  "medium.make": "make a bootable medium",
  "medium.adopt": "make a node of a machine that a medium installed",
  "medium.revoke": "revoke a bootable medium",
  "hook.set": "set a hook",
  "hook.delete": "delete a hook",
  "swarm.set": "change the swarm's settings",
  "pack-store.move": "move images into the pack store or back",
  "webhook.set": "set a webhook",
  "webhook.delete": "delete a webhook",
  "webhook.test": "send a test message to a webhook",
  "webhook.resend": "send failed messages once more",
  "mail.test": "send a test mail",
  "server.backup": "save the server's secrets to a backup",
  "user.add": "add a user",
  "user.set": "change a user",
  "user.remove": "remove a user",
  "token.add": "make a token",
  "token.revoke": "revoke a token",
  "token.rotate-admin": "replace the admin token",
  "audit.export": "export the audit log",
} as const;

export type Action = keyof typeof ACTIONS;

/** The codes of all actions. */
export const ACTION_CODES = Object.keys(ACTIONS) as readonly Action[];

function isAction(code: string): code is Action {
  return code in ACTIONS;
}

/** The action in words; its code if this version does not know it. */
export function describeAction(code: string): string {
  return isAction(code) ? ACTIONS[code] : code;
}
