/** Connections to other systems, and who uses them. Source: the event contracts. */
import {
  amount,
  anyText,
  dateTime,
  httpUrl,
  oneOf,
  open,
  optional,
  shared,
  text,
  uuid,
  word,
} from '../values/fields.ts'

export const connectorState = oneOf('provisioned', 'healthy', 'degraded', 'revoked', 'reconnected')

const connection = {
  connector_id: text,
  connector_type: text,
  provider: text,
  mission_id: text,
  project_uuid: uuid,
  actor_id: text,
  actor_type: word('human', 'service', 'system'),
  endpoint_url: httpUrl,
  recorded_at: dateTime,
}
const ofConnector = { ...connection, user_id: optional(anyText) }
const ofUser = { ...connection, user_id: text }

export const connector = {
  ConnectorProvisioned: open({ ...ofConnector, credentials_ref: text, config_hash: text }),
  ConnectorHealthChecked: open({
    ...ofConnector,
    health_status: oneOf('healthy', 'degraded', 'unreachable'),
    latency_ms: amount,
  }),
  ConnectorDegraded: open({ ...ofConnector, degradation_reason: text, last_healthy_at: dateTime }),
  ConnectorRevoked: open({ ...ofConnector, revocation_reason: text }),
  ConnectorReconnected: open({
    ...ofConnector,
    previous_state: connectorState,
    reconnect_strategy: oneOf('automatic', 'manual', 'backoff'),
  }),
  UserConnected: open(ofUser),
  UserDisconnected: open({ ...ofUser, reason: anyText.default('') }),
}

/** Where a user of a connector stands, in its folded state. */
shared(
  'UserConnectionStatus',
  open({ user_id: anyText, state: connectorState, last_event_at: optional(dateTime) }),
)
