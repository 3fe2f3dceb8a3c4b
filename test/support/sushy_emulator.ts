/** The command line of sushy-tools' Redfish emulator, with TLS and a password as a BMC has them. */
import { issueServerCertificate, openAuthority } from "../../server/access/tls.ts";

interface SushyOptions {
  readonly address: string;
  readonly port: number;
  /** The folder with the emulators' programs; see python_bmcs.ts. */
  readonly bin: string;
  /** Of the user "admin". */
  readonly password: string;
}

/** Writes certificate, password file and configuration to `folder`. */
export async function sushyArguments(
  folder: string,
  { address, port, bin, password }: SushyOptions,
): Promise<string[]> {
  const { cert, key } = await issueServerCertificate(await openAuthority(folder), [address]);
  await Deno.writeTextFile(`${folder}/cert.pem`, cert);
  await Deno.writeTextFile(`${folder}/key.pem`, key);
  await Deno.writeTextFile(`${folder}/htpasswd`, `admin:${await bcrypt(password, bin)}\n`);
  await Deno.writeTextFile(
    `${folder}/config.py`,
    `SUSHY_EMULATOR_AUTH_FILE = "${folder}/htpasswd"\nSUSHY_EMULATOR_STATE_DIR = "${folder}"\n`,
  );
  return [
    ...["--fake", "--interface", address, "--port", `${port}`, "--config", `${folder}/config.py`],
    ...["--ssl-certificate", `${folder}/cert.pem`, "--ssl-key", `${folder}/key.pem`],
  ];
}

async function bcrypt(password: string, bin: string): Promise<string> {
  const { stdout } = await new Deno.Command(`${bin}/python`, {
    args: [
      "-c",
      "import bcrypt, os; print(bcrypt.hashpw(os.environb[b'PASSWORD'], bcrypt.gensalt(4)).decode())",
    ],
    env: { PASSWORD: password },
  }).output();
  return new TextDecoder().decode(stdout).trim();
}
