import { messages } from "../../messages/messages.ts";

export const t = messages({
  title: { en: "Users", de: "Benutzer", zh: "用户" },
  add: { en: "Add a user…", de: "Benutzer hinzufügen …", zh: "添加用户…" },
  addTitle: { en: "Add a user", de: "Benutzer hinzufügen", zh: "添加用户" },
  none: {
    en: "No users yet. The admin token works without one.",
    de: "Noch keine Benutzer. Das Admin-Token geht ohne sie.",
    zh: "尚无用户。管理员令牌无需用户即可使用。",
  },
  tokensAre: {
    en: "Access tokens are on the page of your account; an admin sees everybody's there.",
    de: "Zugriffstoken stehen auf der Seite des eigenen Kontos; ein Admin sieht dort alle.",
    zh: "访问令牌在各自的账户页面上；管理员在那里可看到所有人的令牌。",
  },
  user: { en: "User", de: "Benutzer", zh: "用户" },
  name: { en: "Name", de: "Name", zh: "名称" },
  nameRule: {
    en: "Lower-case letters, digits and . _ - @",
    de: "Kleinbuchstaben, Ziffern und . _ - @",
    zh: "小写字母、数字以及 . _ - @",
  },
  role: { en: "Role", de: "Rolle", zh: "角色" },
  nodes: { en: "Nodes", de: "Knoten", zh: "节点" },
  allNodes: { en: "all", de: "alle", zh: "全部" },
  login: { en: "Login", de: "Anmeldung", zh: "登录方式" },
  added: { en: "Added", de: "Hinzugefügt", zh: "添加时间" },
  refused: { en: "refused", de: "abgewiesen", zh: "已禁止" },
  signsOn: { en: "single sign-on", de: "Single Sign-on", zh: "单点登录" },
  password: { en: "password", de: "Passwort", zh: "密码" },
  noPassword: { en: "no password yet", de: "noch kein Passwort", zh: "尚未设置密码" },
  groups: {
    en: "Groups of nodes, separated by commas; empty for all nodes",
    de: "Gruppen von Knoten, durch Kommas getrennt; leer für alle Knoten",
    zh: "节点分组，以逗号分隔；留空表示所有节点",
  },
  change: { en: "Change…", de: "Ändern …", zh: "更改…" },
  changeAction: { en: "Change", de: "Ändern", zh: "更改" },
  changeTitle: { en: "Change {name}", de: "{name} ändern", zh: "更改 {name}" },
  changed: { en: "{name} is changed.", de: "{name} ist geändert.", zh: "已更改 {name}。" },
  provider: {
    en: "The site's OpenID provider decides about the role, at each login.",
    de: "Der OpenID-Provider bestimmt die Rolle bei jeder Anmeldung.",
    zh: "角色由本站的 OpenID 提供方在每次登录时决定。",
  },
  renew: {
    en: "Forget the password, and make a new set-up link",
    de: "Passwort vergessen und einen neuen Einrichtungslink erzeugen",
    zh: "清除密码，并生成新的设置链接",
  },
  refuse: {
    en: "Refuse logins and tokens of this user",
    de: "Anmeldungen und Token dieses Benutzers abweisen",
    zh: "禁止此用户登录和使用令牌",
  },
  sessionsEnd: {
    en: "The user's sessions end.",
    de: "Die Sitzungen des Benutzers enden.",
    zh: "该用户的会话将结束。",
  },
  remove: { en: "Remove…", de: "Entfernen …", zh: "移除…" },
  removeTitle: { en: "Remove {name}", de: "{name} entfernen", zh: "移除 {name}" },
  removeAbout: {
    en: "All sessions and tokens of the user end.",
    de: "Alle Sitzungen und Token des Benutzers enden.",
    zh: "该用户的所有会话和令牌都将失效。",
  },
  comesBack: {
    en: "The user comes back with the next login through the OpenID provider.",
    de: "Mit der nächsten Anmeldung über den OpenID-Provider ist der Benutzer wieder da.",
    zh: "该用户下次通过 OpenID 提供方登录时会重新出现。",
  },
  keepOut: {
    en: "To keep the user out, change it and refuse it.",
    de: "Um ihn auszusperren, den Benutzer ändern und abweisen.",
    zh: "若要阻止其进入，请更改该用户并禁止其登录。",
  },
  removed: { en: "{name} is removed.", de: "{name} ist entfernt.", zh: "已移除 {name}。" },
  linkTitle: { en: "A link for {name}", de: "Ein Link für {name}", zh: "{name} 的链接" },
  link: {
    en: "With this link the user chooses a password, once. It is not shown again.",
    de: "Mit diesem Link wählt der Benutzer einmalig ein Passwort. Er wird nicht noch einmal gezeigt.",
    zh: "用户可用此链接设置一次密码。链接不会再次显示。",
  },
  linkUntil: {
    en: "Good until {time}. Anyone who has it becomes this user.",
    de: "Gültig bis {time}. Wer ihn hat, wird zu diesem Benutzer.",
    zh: "有效期至 {time}。持有链接的人即可成为此用户。",
  },
  rotate: { en: "Replace the admin token…", de: "Admin-Token ersetzen …", zh: "更换管理员令牌…" },
  rotateTitle: { en: "Replace the admin token", de: "Admin-Token ersetzen", zh: "更换管理员令牌" },
  rotateAction: { en: "Replace", de: "Ersetzen", zh: "更换" },
  rotateAbout: {
    en:
      "The token before ends at once, and so do all sessions of this site, your own too. Users' tokens stay valid.",
    de:
      "Das bisherige Token gilt sofort nicht mehr, und alle Sitzungen enden, auch die eigene. Token von Benutzern " +
      "bleiben gültig.",
    zh: "旧令牌立即失效，本站所有会话（包括您自己的）都将结束。用户令牌仍然有效。",
  },
  newToken: {
    en: "The new admin token. It is not shown again.",
    de: "Das neue Admin-Token. Es wird nicht noch einmal gezeigt.",
    zh: "新的管理员令牌。不会再次显示。",
  },
  newTokenFile: {
    en: "It is also in the file “token” of the server's data directory. When you close this, log in again.",
    de:
      "Es steht auch in der Datei „token“ im Datenverzeichnis des Servers. Nach dem Schließen bitte neu anmelden.",
    zh: "它也保存在服务器数据目录的 “token” 文件中。关闭后请重新登录。",
  },
});
