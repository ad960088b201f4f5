"""What each function may do, and nothing else: action and resource as the template has them."""


def _on(table: str, *operations: str) -> set[tuple[str, str]]:
    return {(f"dynamodb:{operation}", table) for operation in operations}


EVENT_BUS = (
    "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${EventBusName}"
)
GRANTS = {
    "ChatFunction": {
        *_on("AccountsTable", "GetItem", "PutItem", "UpdateItem"),
        ("dynamodb:PutItem", "UsageTable"),
        ("dynamodb:GetItem", "ControlTable"),
        *_on("EphemeralTable", "GetItem", "PutItem", "DeleteItem"),
        ("s3:GetObject", "${AnswersBucket.Arn}/answers/*"),
        ("s3:PutObject", "${AnswersBucket.Arn}/answers/*"),
        ("sqs:SendMessage", "SettleQueue"),
        ("secretsmanager:GetSecretValue", "UpstreamSecret"),
    },
    "AccountFunction": {
        *_on("ControlTable", "BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query"),
        *_on("AccountsTable", "GetItem", "PutItem", "UpdateItem"),
        ("dynamodb:GetItem", "UsageTable"),
        ("dynamodb:Query", "RollupsTable"),
        ("dynamodb:PutItem", "EphemeralTable"),
    },
    "AuthFunction": {
        *_on("ControlTable", "GetItem", "PutItem"),
        ("dynamodb:PutItem", "AccountsTable"),
        *_on("EphemeralTable", "DeleteItem", "GetItem", "PutItem", "UpdateItem"),
    },
    "ExportFunction": {
        *_on("ControlTable", "GetItem", "Query"),
        ("dynamodb:Query", "RollupsTable"),
    },
    "CatalogFunction": {
        ("dynamodb:GetItem", "ControlTable"),
        ("dynamodb:PutItem", "EphemeralTable"),
        ("s3:GetObject", "${AnswersBucket.Arn}/catalogue/*"),
        ("s3:PutObject", "${AnswersBucket.Arn}/catalogue/*"),
        ("secretsmanager:GetSecretValue", "UpstreamSecret"),
    },
    "OperatorFunction": {
        *_on("ControlTable", "BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query"),
        *_on("AccountsTable", "BatchGetItem", "GetItem", "PutItem", "UpdateItem"),
        ("dynamodb:Query", "RollupsTable"),
        ("secretsmanager:GetSecretValue", "OperatorSecret"),
    },
    "SettleFunction": {
        *_on("AccountsTable", "GetItem", "UpdateItem"),
        *_on("UsageTable", "PutItem", "UpdateItem"),
        ("sqs:ReceiveMessage", "SettleQueue"),
        ("sqs:DeleteMessage", "SettleQueue"),
        ("sqs:GetQueueAttributes", "SettleQueue"),
    },
    "SweepFunction": {
        *_on("ControlTable", "GetItem", "Query"),
        *_on("AccountsTable", "GetItem", "UpdateItem"),
        ("dynamodb:PutItem", "UsageTable"),
        ("dynamodb:PutItem", "EphemeralTable"),
        ("secretsmanager:GetSecretValue", "UpstreamSecret"),
    },
    "RollupFunction": {
        ("dynamodb:Query", "UsageTable"),
        *_on("RollupsTable", "GetItem", "PutItem"),
        ("dynamodb:GetItem", "AccountsTable"),
        ("events:PutEvents", EVENT_BUS),
        *_on("UsageTable.StreamArn", "DescribeStream", "GetRecords", "GetShardIterator"),
        ("dynamodb:ListStreams", "${UsageTable.Arn}/stream/*"),
        ("sqs:SendMessage", "RollupDeadLetters"),
    },
    "ReconcileFunction": {
        *_on("AccountsTable", "GetItem", "Scan", "UpdateItem"),
        *_on("UsageTable", "GetItem", "PutItem", "Query", "UpdateItem"),
        *_on("RollupsTable", "GetItem", "PutItem", "Query"),
        *_on("ControlTable", "GetItem", "Query"),
        ("secretsmanager:GetSecretValue", "UpstreamSecret"),
        ("secretsmanager:GetSecretValue", "UpstreamManagementSecret"),
    },
}
