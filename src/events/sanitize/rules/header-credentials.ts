/** P3: `Authorization:` and its relatives, cookies, `Bearer …`, and accounts on command lines; the name before it stays. */
import { CREDENTIAL } from '../placeholders.ts'
import { hitsOf, type Hit, type Rule } from '../rule.ts'
import { LETTER } from '../signals.ts'
import { isOpaque, isStandIn } from './secret-values.ts'

const HEADER =
  /(?:authorization|x-api-key|x-auth-token|x-access-token|private-token|job-token|api-key)["'\\]{0,6}\s{0,3}[:=]\s{0,3}["'\\]{0,6}(?:(?:bearer|basic|token|digest|negotiate|apikey)\s{1,3})?([^\s"'\\<>,;]{4,})/gi
const BEARER = /(?<![A-Za-z])(?:bearer|basic)\s{1,3}([A-Za-z0-9._~+/=-]{12,})/gi
const COOKIE =
  /(?<![A-Za-z])(?:set-)?cookie["'\\]{0,6}\s{0,3}[:=]\s{0,3}["'\\]{0,6}([^\s"'\\<>=]{1,64}=[^\r\n"'\\<>]{4,})/gi
const ACCOUNT = /(?<![^\s"'(])(?:-u|--user|--proxy-user)[ =]["']?[^\s"':]{1,64}:([^\s"'\\]{4,256})/g
const SPOKEN =
  /(?:pass(?:word|wd|phrase)\s{1,3}(?:is|was)|login\s{1,3}\S{1,64}\s{1,3}password)\s{1,3}["'`]?([^\s"'`\\<>,;]{4,256})/gi
const NAMES =
  /authorization|x-api|x-auth|x-access|-token|api-key|bearer|basic|cookie|-u\s|-user|pass/i

export const headerCredentials: Rule = {
  name: 'header-credentials',
  class: 'credential',
  needs: LETTER,
  find: ({ text }) => {
    if (!NAMES.test(text)) return []
    const hits = [HEADER, BEARER, COOKIE, ACCOUNT, SPOKEN].flatMap((expression) =>
      hitsOf(text, expression, valueHit),
    )
    return withoutOverlap(hits)
  },
  samples: {
    removed: [
      'Authorization: Bearer ⟦abc123def456⟧',
      'authorization: Basic ⟦dXNlcjpwYXNz⟧',
      '-H "Authorization: token ⟦0a1b2c3d4e⟧"',
      '{"Authorization":"Bearer ⟦x9y8z7w6⟧"}',
      'X-Api-Key: ⟦k3y-v4lue-0001⟧',
      'PRIVATE-TOKEN: ⟦aB3dE6gH9⟧',
      'sent Bearer ⟦mF_9.B5f-4.1JqM⟧ to the hub',
      'Cookie: ⟦session=38afes7a8; lang=de⟧',
      'Set-Cookie: ⟦sid=31d4d96e407aad42⟧',
      'Proxy-Authorization: Basic ⟦QWxhZGRpbjpvcGVu⟧',
      'x-auth-token=⟦9f8e7d6c5b⟧',
      'curl -u bob:⟦s3cretpw⟧ https://x',
      'the password is ⟦hunter2⟧',
      'machine h login bob password ⟦hunter2⟧',
    ],
    kept: [
      'Bearer tokens are short-lived',
      'Authorization: who may approve this',
      'the authorization header is required',
      'Authorization: Bearer <token>',
      'Authorization: Bearer $TOKEN',
      'basic understanding of cookies',
      'cookie: a small file',
      'a bearer of good news arrived',
      'Basic authentication is deprecated',
      'x-api-key header',
      'Set-Cookie is not sent',
      'docker run -u 1000:1000 x',
      'docker run -u node:node x',
      'the password is required',
    ],
  },
}

function valueHit(match: RegExpExecArray): Hit | null {
  const value = match[1] as string
  if (isStandIn(value) || !isOpaque(value)) return null
  const end = match.index + match[0].length
  return { start: end - value.length, end, replacement: CREDENTIAL, who: null }
}

/** Ascending; of two that overlap, the one that begins first. */
function withoutOverlap(hits: readonly Hit[]): readonly Hit[] {
  let end = 0
  return hits
    .toSorted((a, b) => a.start - b.start || b.end - a.end)
    .filter((hit) => {
      if (hit.start < end) return false
      end = hit.end
      return true
    })
}
