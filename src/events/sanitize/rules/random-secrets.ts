/** P9: words that look random close behind a word that says secret. A heuristic; commit ids and slugs are not meant. */
import { GENERIC_SECRET } from '../placeholders.ts'
import { NO_HITS, type Hit, type Rule } from '../rule.ts'
import { DIGIT, LETTER, LONG_WORD } from '../signals.ts'

const KEYWORD =
  /secret|token|passw(?:or)?d|passphrase|passcode|credential|bearer|cookie|signature|(?:api|access|auth|account|private|signing|encryption|client|license)[-_ ]?key|\bkey\b|session[-_ ]?id|\bauth\b/gi
const REACH = 30
const LENGTH_MIN = 20
const ENTROPY_MIN = 3.5
const ENTROPY_SAMPLE = 256
const RUN = /[A-Za-z0-9+/_-]+={0,2}/y
const RUN_UNIT = /[A-Za-z0-9+/_=-]/

const COMMIT_OR_DIGEST = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i
const ID = /^(?:[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i

export const randomSecrets: Rule = {
  name: 'random-secrets',
  class: 'entropy',
  needs: DIGIT | LETTER | LONG_WORD,
  find: ({ text }) => {
    let hits: Hit[] | null = null
    KEYWORD.lastIndex = 0
    for (let match = KEYWORD.exec(text); match !== null; match = KEYWORD.exec(text)) {
      const hit = hitBehind(text, KEYWORD.lastIndex)
      if (hit === null) continue
      hits ??= []
      hits.push(hit)
      KEYWORD.lastIndex = hit.end
    }
    return hits ?? NO_HITS
  },
  samples: {
    removed: [
      'the token is ⟦q8Zr2LxV0pNcT5yWm3KdB7sH⟧',
      'secret ⟦aG93IGFyZSB5b3UgdG9kYXk1MjM0⟧',
      'api key ⟦9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d⟧',
      'password was ⟦Xk29fLq81mZp04TvRw63⟧ until May',
      'my credential ⟦7Hq2_mZ9-pL4xW8vK1nR6tB3⟧',
      'auth with ⟦Tg5Yh8Uj2Ik9Ol4Pz7Xc1V⟧',
      'signing key ⟦b64Q2hhbmdlIG1lIHBsZWFzZSE5OA==⟧',
      'session id ⟦k2J8s9D4h7G5f3A1z0X6c4V2⟧',
      'bearer ⟦Zx81Kd02Lm93Pq74Rt65Vw⟧',
      'the private key (⟦Jd8Kf73Hs92Lz04Qm15Wn6⟧)',
      'license key ⟦A7K2M9Q4X8Z3B6N1V5C0⟧',
    ],
    kept: [
      'token rotation in 3f786850e387550fdab836ed7e6dc881de23001b',
      'token-refresh-and-rotation-2024-review',
      'secret 01KT119YAB2C3D4E5F6G7H8J9K',
      'key 550e8400-e29b-41d4-a716-446655440000',
      'the token is short',
      'secret handling in src/workers/socket/credentials2.ts',
      'q8Zr2LxV0pNcT5yWm3KdB7sH',
      'token aaaaaaaaaaaaaaaaaaaaaaaa1',
      'password policy: kitty-specs/auth-local-trust-01KQW587',
      'tokenRefreshCoordinatorFactoryBean',
      'a token was revoked, and a good while later we saw q8Zr2LxV0pNcT5yWm3KdB7sH',
      'auth test_token_refresh_v2_rotates_daily',
      'key https://github.com/org/repo/commit/3f786850e387550fdab836ed7e6dc881de23001b',
      'GPG key: 3F786850E387550FDAB836ED7E6DC881DE23001B',
    ],
  },
}

function hitBehind(text: string, from: number): Hit | null {
  let at = from
  // A word that goes on behind the keyword is an identifier.
  while (RUN_UNIT.test(text.charAt(at))) {
    at += 1
    if (at - from > REACH) return null
  }
  while (at < text.length && at - from <= REACH) {
    RUN.lastIndex = at
    const run = RUN.exec(text)?.[0]
    if (run === undefined) {
      at += 1
    } else if (looksRandom(run)) {
      return { start: at, end: at + run.length, replacement: GENERIC_SECRET, who: null }
    } else {
      at += run.length
    }
  }
  return null
}

/** True for one word of letters and digits with the entropy of a generated secret. */
export function looksRandom(word: string): boolean {
  if (word.length < LENGTH_MIN || ID.test(word)) return false
  // The commit ids within a URL say nothing of what stands around them.
  const rest = word
    .split('/')
    .filter((segment) => !COMMIT_OR_DIGEST.test(segment))
    .join('/')
  if (rest.length < LENGTH_MIN || !/[0-9]/.test(rest) || !/[A-Za-z]/.test(rest)) return false
  return !isMadeOfWords(rest) && entropyOf(rest.slice(0, ENTROPY_SAMPLE)) >= ENTROPY_MIN
}

const WORDS =
  /[A-Z]?[a-z]{3,}|(?<![A-Za-z0-9])(?:[a-z]{2}|[A-Z]{2,}|[0-9]{1,8}|v[0-9]{1,4}|WP[0-9]{2,3})(?![A-Za-z0-9])/g

/** Slugs, paths and identifiers: more than half of it are words and numbers. */
function isMadeOfWords(word: string): boolean {
  let length = 0
  for (const match of word.matchAll(WORDS)) length += match[0].length
  return length * 2 > word.length
}

function entropyOf(word: string): number {
  const counts = new Map<string, number>()
  for (const unit of word) counts.set(unit, (counts.get(unit) ?? 0) + 1)
  let entropy = 0
  for (const count of counts.values()) {
    const share = count / word.length
    entropy -= share * Math.log2(share)
  }
  return entropy
}
