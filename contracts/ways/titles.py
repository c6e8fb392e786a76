"""What the settings of each way are called, in Chinese and in English; ``contracts.titles`` takes them in."""

from __future__ import annotations

from collections.abc import Mapping

SHAPES: Mapping[str, tuple[str, ...]] = {
    "Authentication": (
        "身份验证",
        "authentication",
        "枢纽如何证明身份;secret 是密钥的名称,值另存。",
        "How the hub shows who it is; secret names a secret, whose value is kept elsewhere.",
    ),
    "AuthenticationKind": ("身份验证方式", "way of authentication"),
    "ClientAuthentication": ("客户端身份验证", "client authentication"),
    "AnswerRules": (
        "应答规则",
        "answer rules",
        "单位的应答是什么意思;第一条满足的规则生效,都不满足则看状态码。",
        "What the unit's answers mean; the first rule that holds decides, else the status does.",
    ),
    "AnswerRule": ("应答规则", "answer rule", "状态码和条件都满足时适用。", "Applies when status and conditions hold."),
    "Meaning": ("含义", "meaning"),
    "PushMethod": ("请求方法", "method"),
    "RestCall": (
        "推送地址",
        "REST call",
        "某一契约的信件推送到哪里;地址中可用 {case_number} 和 {letter_id}。",
        "Where the letters of one contract go; {case_number} and {letter_id} may stand in the address.",
    ),
    "QueueKind": ("队列类型", "kind of queue"),
    "SoapSettings": ("SOAP 推送", "SOAP push", "调用单位的哪个服务。", "Which service of the unit is called."),
    "RabbitSettings": ("RabbitMQ", "RabbitMQ", "哪个消息服务器、哪些队列。", "Which broker, which queues."),
    "PollSettings": ("轮询", "polling", "到哪里、多久问一次。", "Where the hub asks, and how often."),
    "FileSettings": ("文件交换", "files", "哪个文件夹、什么格式。", "Which folder, which format."),
    "InboundSettings": (
        "单位来调",
        "inbound",
        "单位以自己的格式调用枢纽。",
        "The unit calls the hub in its own format.",
    ),
}

VALUES: Mapping[str, Mapping[str, str]] = {
    "AuthenticationKind": {
        "basic": "用户名和密码 (HTTP Basic)",
        "api_key": "请求头中的密钥",
        "bearer": "令牌",
        "oauth2": "OAuth 2.0 客户端凭据",
    },
    "ClientAuthentication": {
        "client_secret_basic": "密钥放请求头",
        "client_secret_post": "密钥放请求体",
        "private_key_jwt": "私钥签名",
    },
    "PushMethod": {"POST": "POST", "PUT": "PUT", "PATCH": "PATCH"},
    "QueueKind": {"quorum": "仲裁队列(多副本)", "classic": "经典队列"},
    "Meaning": {
        "processed": "已处理",
        "received": "已收到",
        "refused": "拒收",
        "retry": "稍后重试",
        "unauthorised": "凭据不被认可",
    },
}

FIELDS: Mapping[str, tuple[str, str]] = {
    "soap": ("SOAP 推送", "SOAP push"),
    "RestSettings.method": ("请求方法", "method"),
    "RestSettings.calls": ("按契约的地址", "calls by contract"),
    "RestCall.contract": ("契约", "contract"),
    "RestCall.endpoint": ("地址", "endpoint"),
    "RestCall.method": ("请求方法", "method"),
    "rabbitmq": ("RabbitMQ", "RabbitMQ"),
    "file": ("文件交换", "files"),
    "poll": ("轮询", "polling"),
    "inbound": ("单位来调", "inbound"),
    "authentication": ("身份验证", "authentication"),
    "client_certificate": ("客户端证书(密钥名称)", "client certificate, by the name of a secret"),
    "answers": ("应答规则", "answer rules"),
    "secret": ("密钥名称", "name of the secret"),
    "Authentication.kind": ("方式", "way"),
    "Authentication.user": ("用户名", "user"),
    "Authentication.header": ("请求头", "header"),
    "Authentication.token_endpoint": ("令牌地址", "token endpoint"),
    "Authentication.client_id": ("客户端标识", "client id"),
    "Authentication.scope": ("范围", "scope"),
    "Authentication.client_authentication": ("客户端身份验证", "client authentication"),
    "AnswerRules.written_as": ("应答的书写方式", "how answers are written"),
    "AnswerRules.rules": ("规则", "rules"),
    "AnswerRule.means": ("含义", "what it means"),
    "AnswerRule.statuses": ("状态码", "statuses"),
    "AnswerRule.when": ("条件(全部满足)", "conditions (all hold)"),
    "AnswerRule.reason": ("原因所在路径", "path of the reason"),
    "AnswerRule.retry_after_seconds": ("多久后重试(秒)", "seconds until the next try"),
    "RabbitSettings.queues": ("队列类型", "kind of queues"),
    "InboundSettings.user": ("用户名", "user"),
    "FileSettings.folder": ("文件夹", "folder"),
}
