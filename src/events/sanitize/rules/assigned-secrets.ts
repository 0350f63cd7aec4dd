/** P3: `password=…`, `"token": "…"`, `?token=…`: the key's name stays, a value must follow. */
import { CREDENTIAL } from '../placeholders.ts'
import { NO_HITS, type Hit, type Rule } from '../rule.ts'
import { LETTER } from '../signals.ts'
import { isOpaque, isSecretValue, isStandIn, type SecretKeyKind } from './secret-values.ts'

const KEY =
  /(pass(?:word|wd|phrase|code)|pwd|secret|token|credentials?|secret[-_]key[-_]base|(?<=["'])auth|(?:api|access|account|auth|secret|private|signing|encryption|client)[-_ ]?key|(?<=[?&])(?:key|sig|signature|auth|code|x-amz-signature|x-amz-credential))(["'\\]{0,6})(\s{0,3})(=>|:=|[=:]|>(?=[^\s<>]{3,256}<\/))(?![=:])(\s{0,3})/gi
const SEPARATOR = /[=:>]/
const QUOTED_LENGTH_MAX = 512
const STAND_IN_LENGTH_MAX = 256
const QUOTE = /^(\\{0,7})(["'`])/
const BARE = /[^\s"'`\\,;&<>|()[\]{}]+/y
const CALL = /^[([]/

export const assignedSecrets: Rule = {
  name: 'assigned-secrets',
  class: 'credential',
  needs: LETTER,
  find: ({ text }) => {
    if (!SEPARATOR.test(text)) return NO_HITS
    let hits: Hit[] | null = null
    KEY.lastIndex = 0
    for (let match = KEY.exec(text); match !== null; match = KEY.exec(text)) {
      const hit = valueHit(text, match)
      if (hit === null) continue
      hits ??= []
      hits.push(hit)
      KEY.lastIndex = hit.end
    }
    return hits ?? NO_HITS
  },
  samples: {
    removed: [
      'password=⟦hunter2⟧',
      'DB_PASSWORD=⟦s3cr3t!x⟧ npm start',
      'https://h/x?token=⟦abc123⟧&y=1',
      '{"password":"⟦correct horse⟧"}',
      '{\\"api_key\\":\\"⟦0a1b2c3d⟧\\"}',
      "client_secret: '⟦a8f5f167f44f⟧'",
      'passphrase: ⟦x7%kk2⟧',
      'token: ⟦9f86d081884c⟧',
      'AWS_SECRET_ACCESS_KEY=⟦wJalrXUtnFEMI/K7MDENG⟧',
      'pwd=⟦letmein⟧;',
      'https://x/y?sig=⟦Zm9vYmFy01⟧',
      'secret = "⟦b7c1d9e0f2⟧"',
      'access-token=⟦q1w2e3r4t5⟧',
      'Server=x;Password=⟦Pa55w0rd!⟧;',
      '<password>⟦hunter⟧</password>',
      '{"auth":"⟦Ym9iOmh1bnRlcjI=⟧"}',
      'SECRET_KEY_BASE: ⟦0123abcd⟧',
    ],
    kept: [
      'the token: refresh it early',
      'password: required',
      'token=get_token()',
      'secret=settings.SECRET_KEY',
      'password=None',
      'tokens=1200 of 4096',
      'token == other',
      'password=password',
      'token: str',
      'API_KEY=$API_KEY',
      'secret: <secret:credential>',
      'max_tokens: 4096',
      'password_hash: none',
      'access token: the value of the header',
      "token = os.environ['T0KEN']",
      'token::Kind1',
      'a password>5 check',
      "log('password:', password); log('x')",
      '"auth": "local"',
    ],
  },
}

function valueHit(text: string, match: RegExpExecArray): Hit | null {
  const [whole, key, , before, operator, after] = match as unknown as string[] as [
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  const kind: SecretKeyKind = /^p(?:ass|wd)/i.test(key) ? 'password' : 'opaque'
  const start = match.index + whole.length
  const quoted = quotedSpan(text, start)
  if (quoted !== null) {
    const isLong = quoted[1] - quoted[0] > QUOTED_LENGTH_MAX
    return isLong || isQuotedValue(text.slice(...quoted), kind) ? hitOf(quoted) : null
  }
  BARE.lastIndex = start
  const value = (BARE.exec(text)?.[0] ?? '').replace(/[.:]{1,8}$/, '')
  const end = start + value.length
  // No stand-in is that long; and what is read must be used up, or the cost would be quadratic.
  if (value.length > STAND_IN_LENGTH_MAX) return hitOf([start, end])
  if (isStandIn(value) || CALL.test(text.slice(end, end + 1))) return null
  const tight = /^[=>]$/.test(operator) && before === '' && after === ''
  return (tight ? isTightValue(value, kind) : isOpaque(value)) ? hitOf([start, end]) : null
}

/** What stands between quotes, unless the quote before it closed another text. */
function isQuotedValue(value: string, kind: SecretKeyKind): boolean {
  return !/^[\s,;)\]}]|[\r\n]/.test(value) && isSecretValue(value, kind)
}

/** The span between quotes, escaped or not; to the value's end where none close within reach. */
function quotedSpan(text: string, start: number): [number, number] | null {
  const window = text.slice(start, start + QUOTED_LENGTH_MAX)
  const open = QUOTE.exec(window)?.[0]
  if (open === undefined) return null
  const from = start + open.length
  const close = window.indexOf(open, open.length)
  if (close >= 0) return [from, start + close]
  BARE.lastIndex = from
  return [from, from + (BARE.exec(text)?.[0] ?? '').length]
}

/** `key=value` without spaces, as shells, URLs and connection strings write it. */
function isTightValue(value: string, kind: SecretKeyKind): boolean {
  if (kind === 'password') return true
  return /^[0-9]+$/.test(value) ? value.length >= 6 : isOpaque(value) || value.length >= 16
}

function hitOf([start, end]: readonly [number, number]): Hit {
  return { start, end, replacement: CREDENTIAL, who: null }
}
