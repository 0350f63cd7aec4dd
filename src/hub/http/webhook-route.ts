/**
 * A git host reports a push. It proves by its secret whose project it speaks of: GitHub, Gitea and Forgejo sign the very bytes
 * of the body, GitLab sends the secret. Said twice, it changes nothing.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { GIT_HASH } from '../../contracts/wire/frame-schemas.ts'
import { isJsonObject, parseJsonObject } from '../../contracts/json/json.ts'
import type { Json, JsonObject } from '../../contracts/json/json.ts'
import { PUSHED_MAX } from '../../contracts/wire/ledger-frame.ts'
import { answer, refuse } from './answer.ts'
import type { Entry, Outcome, Sender } from '../entries.ts'
import { PUSH_BYTES_MAX } from '../limits.ts'
import { readBody, RequestFault } from './request-body.ts'
import type { Desk } from './visit.ts'
import { hashSecret } from '../access/secrets.ts'
import type { StoredWebhook } from '../data/stored.ts'
import { WEBHOOK_PREFIX } from '../access/webhooks.ts'

/** What the hosts call a push, each in its own header. */
const PUSH_EVENTS: ReadonlySet<unknown> = new Set(['push', 'Push Hook', 'Tag Push Hook'])

export async function takePush(
  desk: Desk,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { headers, url = '' } = request
  const id = url.slice(WEBHOOK_PREFIX.length)
  const webhook = desk.store.webhook(id)
  // Of nobody no body is read.
  if (webhook === null) return refuseStranger(desk, request, response, id)
  desk.batches.enter(id)
  try {
    const body = await readBody(request, PUSH_BYTES_MAX)
    if (!isProved(headers, body, webhook.secret)) {
      return refuseStranger(desk, request, response, id)
    }
    const refusal = desk.logins.refuseWebhook(request, id, true)
    if (refusal !== null) return refuse(response, refusal)
    const pushed = isPush(headers)
      ? await mark(desk, webhook, hashesIn(payloadOf(headers, body)))
      : 0
    answer(response, 200, JSON.stringify({ pushed }))
  } finally {
    desk.batches.leave(id)
  }
}

function refuseStranger(
  desk: Desk,
  request: IncomingMessage,
  response: ServerResponse,
  id: string,
): void {
  const refusal = desk.logins.refuseWebhook(request, id, false)
  if (refusal !== null) refuse(response, refusal, { Connection: 'close' })
}

function isProved(headers: IncomingHttpHeaders, body: Buffer, secret: string): boolean {
  const token = headers['x-gitlab-token']
  if (typeof token === 'string') return timingSafeEqual(hashSecret(token), hashSecret(secret))
  const { 'x-hub-signature-256': signed, 'x-gitea-signature': plain } = headers
  const given = typeof signed === 'string' ? /^sha256=(.*)$/.exec(signed)?.[1] : plain
  const expected = createHmac('sha256', secret).update(body).digest()
  const found = Buffer.from(typeof given === 'string' ? given : '', 'hex')
  // The length is no secret.
  return found.length === expected.length && timingSafeEqual(found, expected)
}

function isPush(headers: IncomingHttpHeaders): boolean {
  const names = ['x-github-event', 'x-gitea-event', 'x-gitlab-event']
  const said = names.flatMap((name) => headers[name] ?? [])
  return said.length === 0 || said.some((event) => PUSH_EVENTS.has(event))
}

function payloadOf(headers: IncomingHttpHeaders, body: Buffer): JsonObject {
  if (!/^application\/json *(?:;|$)/i.test(headers['content-type'] ?? '')) {
    const message =
      "a body of application/json is expected: choose it as the webhook's content type"
    throw new RequestFault(415, 'TYPE_UNSUPPORTED', message)
  }
  try {
    return parseJsonObject(body.toString('utf8'), PUSH_BYTES_MAX)
  } catch {
    throw new RequestFault(400, 'BAD_REQUEST', 'a JSON object is expected as the body')
  }
}

/** The commits that a push names; that of a branch which is gone is all zeros, and names none. */
function hashesIn({ commits, after, checkout_sha, head_commit }: JsonObject): readonly string[] {
  const listed = Array.isArray(commits) ? commits : []
  const ids = [...listed, head_commit].map((commit) => (isJsonObject(commit) ? commit['id'] : null))
  const isHash = (one: Json | undefined): one is string =>
    typeof one === 'string' && GIT_HASH.test(one) && !/^0+$/.test(one)
  return [...new Set([...ids, after, checkout_sha].filter(isHash))]
}

async function mark(
  { intake }: Desk,
  { team, project_uuid }: StoredWebhook,
  hashes: readonly string[],
): Promise<number> {
  const entries: Entry[] = []
  for (let at = 0; at < hashes.length; at += PUSHED_MAX) {
    entries.push({ kind: 'pushed', team, project_uuid, hashes: hashes.slice(at, at + PUSHED_MAX) })
  }
  const outcomes = await stored(intake, team, entries)
  return outcomes.reduce((sum, { pushed = [] }) => sum + pushed.length, 0)
}

function stored(
  intake: Desk['intake'],
  team: string,
  entries: readonly Entry[],
): Promise<readonly Outcome[]> {
  return new Promise((resolve, reject) => {
    const sender: Sender = {
      team,
      // The request has been read, and the number of those is bounded.
      pause: () => {},
      resume: () => {},
      flush: () => {},
      fail: () => reject(new RequestFault(503, 'STORE_FAILED', 'the store failed; try again')),
    }
    intake.add({ sender, entries, settle: resolve })
  })
}
