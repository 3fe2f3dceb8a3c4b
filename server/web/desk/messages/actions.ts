/** The actions of the audit log, and who did them, in the reader's language. */
import { type Action, ACTION_CODES, describeAction } from "../../../words/audit_text.ts";
import { messages } from "./messages.ts";
import type { Message } from "./text_of.ts";

const WORDS: Readonly<Record<Action, readonly [de: string, zh: string]>> = {
  "login": ["angemeldet", "登录"],
  "logout": ["abgemeldet", "退出登录"],
  "password.set": ["Passwort gesetzt", "设置密码"],
  "node.set": ["Einstellungen eines Knotens geändert", "更改节点设置"],
  "node.delete": ["Knoten gelöscht", "删除节点"],
  "node.deploy": ["Installation beauftragt", "下达部署任务"],
  "node.restore": ["Wiederherstellung beauftragt", "下达还原任务"],
  "node.power": ["Knoten ein- oder ausgeschaltet", "开关节点电源"],
  "node.power-set": ["Stromsteuerung von Knoten geändert", "设置节点的电源控制方式"],
  "node.discover": ["Lesen der Hardware beauftragt", "下达硬件发现任务"],
  "node.accept-hardware": ["Geänderte Hardware eines Knotens angenommen", "接受节点的硬件变更"],
  "node.restart": ["Knoten in den Installer neu gestartet", "重启节点进入安装程序"],
  "node.forget-tpm": ["TPM eines Knotens vergessen", "忘记节点的 TPM"],
  "node.cancel": ["Auftrag abgebrochen", "取消任务"],
  "node.backup": ["Sicherung beauftragt", "下达备份任务"],
  "node.backup-at-boot": ["Sicherung beim nächsten Start beauftragt", "下达下次启动时的备份任务"],
  "node.sign": ["Startprogramme eines Knotens signiert", "为节点的启动程序签名"],
  "node.check": ["Vergleich mit dem Image beauftragt", "下达与镜像的比对任务"],
  "node.agent-token": ["Token für den Agenten eines Knotens erstellt", "为节点代理创建令牌"],
  "node.recovery-key": ["Wiederherstellungsschlüssel angesehen", "查看恢复密钥"],
  "deployment.cancel": ["Installationsauftrag abgebrochen", "取消部署批次"],
  "deployment.retry": ["Fehlgeschlagene Knoten erneut beauftragt", "重新部署失败的节点"],
  "deployment.pause": ["Installationsauftrag angehalten", "暂停部署批次"],
  "deployment.resume": ["Installationsauftrag fortgesetzt", "继续部署批次"],
  "schedule.add": ["Zeitplan angelegt", "添加计划任务"],
  "schedule.change": ["Zeitplan geändert", "更改计划任务"],
  "schedule.pause": ["Zeitplan angehalten", "暂停计划任务"],
  "schedule.resume": ["Zeitplan fortgesetzt", "恢复计划任务"],
  "schedule.run": ["Zeitplan von Hand ausgeführt", "手动运行计划任务"],
  "schedule.remove": ["Zeitplan gelöscht", "移除计划任务"],
  "machine.adopt": ["Neue Maschinen als Knoten aufgenommen", "收编新出现的机器为节点"],
  "medium.make": ["Startmedium erstellt", "制作启动介质"],
  "medium.adopt": ["Von einem Medium installierte Maschine als Knoten aufgenommen", "收编由介质安装的机器"],
  "medium.revoke": ["Startmedium gesperrt", "吊销启动介质"],
  "capture.begin": ["Aufnahme begonnen", "开始采集"],
  "capture.cancel": ["Aufnahme abgebrochen", "取消采集"],
  "capture.publish": ["Aufgenommene Version veröffentlicht", "发布采集的版本"],
  "image.set": ["Einstellungen eines Images geändert", "更改镜像设置"],
  "image.tag": ["Tag gesetzt", "设置标签"],
  "image.untag": ["Tag entfernt", "移除标签"],
  "image.note": ["Notiz einer Version geändert", "设置版本备注"],
  "image.delete": ["Version gelöscht", "删除版本"],
  "image.prune": ["Alte Versionen gelöscht", "清理旧版本"],
  "image.export": ["Version exportiert", "导出版本"],
  "image.push": ["Version in eine Registry geladen", "推送版本到镜像仓库"],
  "image.pull": ["Version aus einer Registry geholt", "从镜像仓库拉取版本"],
  "image.transfer-cancel": ["Übertragung abgebrochen", "取消推送或拉取"],
  "image.key": ["Schlüssel eines Images ausgegeben", "导出镜像密钥"],
  "image.rehearse": ["Version geprobt", "预演版本"],
  "image.rehearse-cancel": ["Probe abgebrochen", "取消预演"],
  "image.read": ["Datei einer Version gelesen", "读取版本中的文件"],
  "site.add": ["Standort hinzugefügt", "添加站点"],
  "site.token": ["Token für ein Relais erzeugt", "为站点的中继生成令牌"],
  "site.enrol": ["Relais angemeldet", "接入中继"],
  "site.assign": ["Image einem Standort zugewiesen", "向站点分配镜像"],
  "site.unassign": ["Zuweisung eines Image beendet", "取消向站点分配镜像"],
  "site.revoke": ["Relais widerrufen", "撤销站点的中继"],
  "site.remove": ["Standort entfernt", "移除站点"],
  "hook.set": ["Hook gesetzt", "设置钩子脚本"],
  "hook.delete": ["Hook gelöscht", "删除钩子脚本"],
  "pack-store.move": ["Images in den Objektspeicher oder zurück verschoben", "在本地与对象存储间迁移镜像"],
  "swarm.set": ["Einstellungen des Schwarms geändert", "更改集群分发设置"],
  "webhook.set": ["Webhook gesetzt", "设置 Webhook"],
  "webhook.delete": ["Webhook gelöscht", "删除 Webhook"],
  "webhook.test": ["Testnachricht an einen Webhook gesendet", "向 Webhook 发送测试消息"],
  "webhook.resend": ["Fehlgeschlagene Nachrichten erneut gesendet", "重新发送失败的消息"],
  "mail.test": ["Test-Mail gesendet", "发送测试邮件"],
  "server.backup": ["Geheimnisse des Servers gesichert", "备份服务器的机密数据"],
  "server.take-over": ["Vom bisherigen Server übernommen", "备用服务器接管"],
  "standby.add": ["Einen Ersatzserver zugelassen", "添加备用服务器"],
  "standby.remove": ["Ersatzserver entfernt", "移除备用服务器"],
  "user.add": ["Benutzer angelegt", "添加用户"],
  "user.set": ["Benutzer geändert", "更改用户"],
  "user.remove": ["Benutzer entfernt", "移除用户"],
  "token.add": ["Token erstellt", "创建令牌"],
  "token.revoke": ["Token widerrufen", "吊销令牌"],
  "token.rotate-admin": ["Admin-Token ersetzt", "更换管理员令牌"],
  "audit.export": ["Audit-Log exportiert", "导出审计日志"],
};

const action = messages(Object.fromEntries(ACTION_CODES.map((code): [Action, Message] => {
  const [de, zh] = WORDS[code];
  return [code, { en: describeAction(code), de, zh }];
})));

const who = messages({
  "admin token": { en: "admin token", de: "Admin-Token", zh: "管理员令牌" },
});

/** The action in words; its code if this version does not know it. */
export function actionText(code: string): string {
  return code in WORDS ? action(code) : code;
}

/** A name as it is; the holder of the admin token has none. */
export function whoText(name: string): string {
  return name === "admin token" ? who(name) : name;
}
