/** The way in for a browser, and the way out. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseJsonObject } from '../../contracts/json/json.ts'
import type { JsonObject } from '../../contracts/json/json.ts'
import { answer, refuse } from './answer.ts'
import { isFromThisMachine } from '../access/guard.ts'
import { BODY_BYTES_MAX } from '../limits.ts'
import { isSessionSecret, bearerOf } from '../access/secrets.ts'
import { readBody, RequestFault } from './request-body.ts'
import type { Desk, Visit } from './visit.ts'
import { cookieFor } from '../access/sessions.ts'

/** Lets a window in by a token or by the code of a one-time link: a secret for the window, a cookie for the browser. */
export async function enter(
  desk: Desk,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { token, code } = objectIn((await readBody(request, BODY_BYTES_MAX)).toString('utf8'))
  const given = typeof code === 'string' ? await desk.sessions.redeem(code) : token
  if (typeof given === 'string') await desk.logins.learnToken(given)
  const { session, refusal } = desk.logins.ofToken(request, typeof given === 'string' ? given : '')
  if (refusal !== null) return refuse(response, refusal)
  const { secret, browser, endsAt } = await desk.sessions.open(request, session)
  const isSecure =
    desk.publicUrl?.protocol === 'https:' && !isFromThisMachine(request, desk.publicUrl)
  const { team, user } = session
  const expires_at = new Date(endsAt).toISOString()
  answer(response, 200, JSON.stringify({ secret, team_slug: team, user, expires_at }), {
    'Set-Cookie': cookieFor(request, browser, isSecure),
  })
}

/** Ends the window's session; with a token there is none to end. */
export async function leave({ desk, request }: Visit): Promise<string> {
  const secret = bearerOf(request.headers.authorization)
  if (secret !== null && isSessionSecret(secret)) await desk.sessions.end(secret)
  return '{"ended":true}'
}

function objectIn(text: string): JsonObject {
  try {
    return parseJsonObject(text)
  } catch {
    throw new RequestFault(400, 'BAD_REQUEST', 'a JSON object is expected as the body')
  }
}
