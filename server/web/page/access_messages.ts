/** The texts of the pages outside the desk, in the languages of the desk, by the browser's Accept-Language. */
import { MIN_PASSWORD } from "#contract/api/access.ts";
import { type Language, languageOf } from "../desk/messages/languages.ts";
import { type Message, textOf } from "../desk/messages/text_of.ts";

const TABLE = {
  logIn: { en: "Log in", de: "Anmelden", zh: "登录" },
  logInThrough: {
    en: "Log in through {provider}",
    de: "Anmelden über {provider}",
    zh: "通过 {provider} 登录",
  },
  or: { en: "or", de: "oder", zh: "或" },
  user: { en: "User", de: "Benutzer", zh: "用户" },
  password: { en: "Password", de: "Passwort", zh: "密码" },
  token: { en: "Token", de: "Token", zh: "令牌" },
  tokenHint: {
    en:
      "The admin token, in the file “token” of the server's data directory, by default /var/lib/rackseed/token.",
    de:
      "Das Admin-Token, in der Datei „token“ im Datenverzeichnis des Servers, normalerweise /var/lib/rackseed/token.",
    zh: "管理员令牌，位于服务器数据目录的“token”文件中，默认为 /var/lib/rackseed/token。",
  },
  help: { en: "Help", de: "Hilfe", zh: "帮助" },
  loggedIn: { en: "You are logged in.", de: "Sie sind angemeldet.", zh: "您已登录。" },
  goOn: { en: "Go on", de: "Weiter", zh: "继续" },
  newPassword: {
    en: `New password, at least ${MIN_PASSWORD} characters`,
    de: `Neues Passwort, mindestens ${MIN_PASSWORD} Zeichen`,
    zh: `新密码，至少 ${MIN_PASSWORD} 个字符`,
  },
  onceMore: { en: "Once more", de: "Noch einmal", zh: "再次输入" },
  choose: { en: "Choose this password", de: "Dieses Passwort wählen", zh: "使用此密码" },
  choosePassword: { en: "choose a password", de: "Passwort wählen", zh: "设置密码" },
  wrongUser: {
    en: "Wrong user or password.",
    de: "Benutzer oder Passwort ist falsch.",
    zh: "用户名或密码错误。",
  },
  wrongToken: {
    en: "Wrong token for this server.",
    de: "Dieses Token gilt auf diesem Server nicht.",
    zh: "此令牌不适用于该服务器。",
  },
  usedLink: {
    en: "This set-up link has been used, or has expired. Ask an admin for another one.",
    de: "Dieser Einrichtungslink ist benutzt oder abgelaufen. Bitten Sie einen Administrator um einen neuen.",
    zh: "此设置链接已被使用或已过期。请向管理员索取新链接。",
  },
  passwordsDiffer: {
    en: "The two passwords differ. Type the same one twice.",
    de: "Die beiden Passwörter sind verschieden. Geben Sie zweimal dasselbe ein.",
    zh: "两次输入的密码不一致。请输入相同的密码。",
  },
  passwordRefused: { en: "This does not do: {why}.", de: "Das geht nicht: {why}.", zh: "无法使用：{why}。" },
  failed: {
    en: "This failed: {reason} Remedy: {remedy}",
    de: "Das ist fehlgeschlagen: {reason} Abhilfe: {remedy}",
    zh: "操作失败：{reason} 处理办法：{remedy}",
  },
} satisfies Record<string, Message>;

/** Gives these texts in one language. */
export interface Words {
  readonly language: Language;
  (key: keyof typeof TABLE, parameters?: Readonly<Record<string, string>>): string;
}

/** `header`: Accept-Language (RFC 9110, 12.5.4), "de-CH, fr;q=0.9, en;q=0.8". */
export function wordsFor(header = ""): Words {
  const wanted = header.slice(0, 1000).split(",").map((range, at) => {
    const [tag = "", ...parameters] = range.trim().split(/\s*;\s*/);
    const quality = parameters.find((one) => one.startsWith("q="))?.slice(2) ?? "1";
    return { tag, quality: Number(quality) || 0, at };
  });
  const inOrder = wanted.filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality || a.at - b.at);
  const language = languageOf(inOrder.map(({ tag }) => tag));
  return Object.assign(
    (key: keyof typeof TABLE, parameters: Readonly<Record<string, string>> = {}) =>
      textOf(TABLE[key], { parameters, language }),
    { language },
  );
}
