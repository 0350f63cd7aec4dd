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

/** What happened in a project up to a number is emptied. Numbers are those of an epoch. */
const retention = z.strictObject({
  kind: z.literal('retention'),
  team: z.string(),
  project_uuid: z.string(),
  epoch: z.string(),
  through: z.number(),
})
/** Up to its place the log is replaced by a base, and hubs keep nothing of its messages. */
const base = z.strictObject({
  kind: z.literal('base'),
  place: z.strictObject({ seq: z.number(), id: z.string() }),
  /** Files are written anew, so that nothing is in free pages. */
  scrub: z.boolean(),
})
/** What stood here was taken away, and is in its place where a server lost it. */
const gone = z.strictObject({ kind: z.literal('gone') })

export const CHANGE = z.discriminatedUnion('kind', [
  token,
  webhook,
  session,
  sessionEnd,
  epoch,
  deletion,
  retention,
  base,
  gone,
])
export type Change = z.infer<typeof CHANGE>
export type TokenChange = z.infer<typeof token>
export type WebhookChange = z.infer<typeof webhook>
/** What tells who may come in. */
export type HolderChange = TokenChange | WebhookChange | SessionChange | z.infer<typeof sessionEnd>
export type SessionChange = z.infer<typeof session>
