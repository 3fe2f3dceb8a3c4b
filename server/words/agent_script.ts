/** The script that installs the agent on a node; a root shell there runs it. */

/**
 * Writes the token to a file that only root may read, and a systemd unit that uses it. The API restricts all values
 * to characters that need no quoting inside a here-document.
 */
export function agentScript(
  { node, token, server }: { node: string; token: string; server: string },
): string {
  return `#!/bin/sh
# Runs the Rackseed agent on ${node} as a service. Expects the program at /usr/local/bin/rackseed.
set -eu
mkdir -p -m 700 /etc/rackseed
umask 077
cat > /etc/rackseed/agent.env <<'END'
RACKSEED_SERVER=${server}
RACKSEED_TOKEN=${token}
END
umask 022
cat > /etc/systemd/system/rackseed-agent.service <<'END'
[Unit]
Description=Rackseed agent: captures or restarts this machine when its image server asks
Wants=network-online.target
After=network-online.target
# a clone of this machine gets no token of this node
ConditionPathExists=/etc/rackseed/agent.env

[Service]
EnvironmentFile=/etc/rackseed/agent.env
ExecStart=/usr/local/bin/rackseed agent template --name ${node}
Restart=always
RestartSec=30
Nice=10
IOSchedulingClass=idle

[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable rackseed-agent.service
systemctl restart rackseed-agent.service`;
}
