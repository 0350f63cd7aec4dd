/** P6: e-mail addresses, by a bounded scan to both sides of each `@`. */
import { EMAIL } from '../placeholders.ts'
import { NO_HITS, type Hit, type Rule } from '../rule.ts'
import { AT, DOT } from '../signals.ts'

const LOCAL_LENGTH_MAX = 64
const DOMAIN_LENGTH_MAX = 253

/** Ends of file names; the first group are top-level domains too, and then two labels decide. */
const FILE_ENDING =
  /^(?:py|md|rs|sh|ts|pl|cc|so|ml|ps|mk|js|jsx|tsx|mjs|cjs|json|jsonl|yaml|yml|toml|txt|go|rb|java|kt|cpp|hpp|css|scss|html|htm|sql|lock|cfg|ini|xml|csv|tsv|log|php|vue|svg|png|jpg|jpeg|gif|pdf|gz|tgz|zip|tar|whl|jar|exe|dll|bin|db|sqlite|ipynb|lua|swift|cs|fs|ex|exs|erl|hs|scala|dart|proto|tf|env|conf|mmd|rst|patch|diff|bak|tmp)$/i
const VERSION =
  /^v?\d{1,6}(?:\.(?:\d{1,9}|x)(?![\p{L}-])|\.(?:next|beta|alpha|canary|rc|latest)$)/iu
// Not with the flag `i`: it folds the signs of Kelvin and of the long s, and so takes k and s for non-ASCII.
const TOP_LEVEL = /^(?:[A-Za-z]{2,24}|[Xx][Nn]--[A-Za-z0-9-]{1,59}|\P{ASCII}{1,24})$/u
/** Accounts that every user of a forge shares. */
const SHARED_ACCOUNT = /^(?:git|hg|svn)$/i

export const emails: Rule = {
  name: 'emails',
  class: 'email',
  needs: AT | DOT,
  find: ({ text }) => {
    let hits: Hit[] | null = null
    let floor = 0
    for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
      const hit = hitAround(text, at, floor)
      if (hit === null) continue
      hits ??= []
      hits.push(hit)
      floor = hit.end
    }
    return hits ?? NO_HITS
  },
  samples: {
    removed: [
      'ask ⟦bob@example.com⟧',
      'mailto:⟦bob@example.com⟧',
      'Bob <⟦bob.smith@mail.example.org⟧>',
      '⟦a+tag@example.co.uk⟧.',
      '⟦jürgen@müller.example⟧',
      '⟦info@例子.公司⟧',
      '⟦x@xn--bcher-kva.example⟧',
      '⟦bob@laptop.local⟧',
      "'⟦o'brien@example.ie⟧'",
      '\\n⟦bob@example.com⟧\\n',
      '⟦bob@163.com⟧',
      '⟦anna@firma.example.md⟧',
      '⟦1234+bob@users.noreply.github.com⟧',
      '(⟦bob_smith@example.dev⟧)',
      '⟦a@b.io⟧,⟦c@d.io⟧',
    ],
    kept: [
      '@pytest.mark.fast',
      "@app.command('run')",
      '@scope/pkg@1.2.3',
      'name@file.py',
      'git@github.com:o/r.git',
      'git@gitlab.example',
      'pkg@next',
      'lodash@4.17.21-beta.rc',
      'reviews/wp-WP01.yaml@067504450',
      'relay@765). CT1',
      'x@y.transpose()',
      '@@ -1,3 +1,4 @@',
      'react@18.canary',
      'actions/checkout@v4.1',
      'user@host',
      '<email>',
      'a @ b.com',
      'left@.com',
      'x@y.z',
      'x@y.k',
    ],
  },
}

function hitAround(text: string, at: number, floor: number): Hit | null {
  const start = startOfLocal(text, at, floor)
  const end = endOfDomain(text, at)
  if (start === at || end === at + 1) return null
  const local = text.slice(start, at)
  const domain = text.slice(at + 1, end)
  if (SHARED_ACCOUNT.test(local) || !isDomain(domain) || text[end] === '(') return null
  return { start, end, replacement: EMAIL, who: `${local}@${domain}`.toLowerCase() }
}

function startOfLocal(text: string, at: number, floor: number): number {
  const min = Math.max(floor, at - LOCAL_LENGTH_MAX)
  let start = at
  while (start > min && isLocalUnit(text.charCodeAt(start - 1))) start -= 1
  start += escapeBefore(text, start, at)
  while (start < at && /['.+-]/.test(text[start] as string)) start += 1
  return start
}

const ESCAPE_TAIL = /^(?:u[0-9a-fA-F]{4}|[nrtbf])/
const PERCENT_TAIL = /^[0-9a-fA-F]{2}/

/** Units that belong to a `\n`, a `\u0022` or a `%22` before the address. */
function escapeBefore(text: string, start: number, at: number): number {
  const before = start === 0 ? '' : text[start - 1]
  const head = text.slice(start, Math.min(at, start + 5))
  if (before === '\\') return ESCAPE_TAIL.exec(head)?.[0].length ?? 0
  return before === '%' ? (PERCENT_TAIL.exec(head)?.[0].length ?? 0) : 0
}

function endOfDomain(text: string, at: number): number {
  const max = Math.min(text.length, at + 1 + DOMAIN_LENGTH_MAX)
  let end = at + 1
  while (end < max && isDomainUnit(text.charCodeAt(end))) end += 1
  while (end > at + 1 && /[.-]/.test(text[end - 1] as string)) end -= 1
  return end
}

function isDomain(domain: string): boolean {
  const labels = domain.split('.')
  const top = labels.at(-1) as string
  if (labels.length < 2 || labels.includes('') || !TOP_LEVEL.test(top)) return false
  if (VERSION.test(domain)) return false
  return labels.length > 2 || !FILE_ENDING.test(top)
}

function isLocalUnit(unit: number): boolean {
  // ' + - . _
  if (unit === 0x27 || unit === 0x2b || unit === 0x5f) return true
  return isDomainUnit(unit)
}

function isDomainUnit(unit: number): boolean {
  if (unit >= 0xc0) return isWideLetter(unit)
  // - .
  if (unit === 0x2d || unit === 0x2e) return true
  return (
    (unit >= 0x30 && unit <= 0x39) ||
    (unit >= 0x41 && unit <= 0x5a) ||
    (unit >= 0x61 && unit <= 0x7a)
  )
}

/** Not the punctuation and symbols above Latin-1: general, CJK, and the forms of full width. */
function isWideLetter(unit: number): boolean {
  if (unit >= 0x2000 && unit <= 0x2bff) return false
  if (unit >= 0x3000 && unit <= 0x303f) return false
  return unit < 0xfe00
}
