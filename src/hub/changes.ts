/** What changes at a hub beside the entries of its senders, as the hubs of a team tell it to each other. */
import { z } from 'zod'

const time = z.number().nullable()
const hash = z.string().regex(/^[0-9a-f]{64}$/)

/** A token with its secrets, as hashes. */
const token = z.strictObject({
  kind: z.literal('token'),
  token_id: z.string(),
  team: z.string(),
  user: z.string(),
  created_at: z.number(),
  ttl_ms: time,
  revoked_at: time,
  secrets: z.array(z.strictObject({ secret_hash: hash, ends_at: time })),
})
const webhook = z.strictObject({
  kind: z.literal('webhook'),
  webhook_id: z.string(),
  team: z.string(),
  project_uuid: z.string(),
  secret: z.string(),
  created_at: z.number(),
  revoked_at: time,
})
/** A window of a browser that was let in. */
const session = z.strictObject({
  kind: z.literal('session'),
  secret_hash: hash,
  browser_hash: hash,
  token_hash: hash,
  ends_at: z.number(),
})
const sessionEnd = z.strictObject({ kind: z.literal('session_end'), secret_hash: hash })
/** The hubs begin an epoch together: it holds where `before` is the one that a hub is in, or it is in none. */
const epoch = z.strictObject({
  kind: z.literal('epoch'),
  before: z.string().nullable(),
  id: z.string(),
})
/** All that the hubs hold of a project goes; its numbers go on. */
const deletion = z.strictObject({
  kind: z.literal('deletion'),
  team: z.string(),
  project_uuid: z.string(),
})

export const CHANGE = z.discriminatedUnion('kind', [
  token,
  webhook,
  session,
  sessionEnd,
  epoch,
  deletion,
])
export type Change = z.infer<typeof CHANGE>
export type TokenChange = z.infer<typeof token>
export type WebhookChange = z.infer<typeof webhook>
export type SessionChange = z.infer<typeof session>
