/**
 * The versioned, synthetic evaluation set of the sanitizer: 6,000 positives (20 classes of 300), 3,000 hard negatives,
 * 40 invented identities. Everything comes from a seed; no real person, host or secret is in it.
 */
import type { IdentityLiterals } from '#dist/project/identity-literals.js'
import type { Json } from '#dist/contracts/json/json.js'
import type { RedactionClass } from '#dist/events/sanitize/rule.js'
import { hardNegatives } from './hard-negatives.ts'
import { inventedPeople, type Person } from './invented-identities.ts'
import { SeededRandom } from './seeded-random.ts'

export type Part = 'P1' | 'P2' | 'P3' | 'P4' | 'P5' | 'P6' | 'P7' | 'P8' | 'P9'

export type Positive = {
  readonly kind: string
  readonly part: Part
  readonly value: Json
  readonly identity: IdentityLiterals
  /** What must not be left of it, in any reading. */
  readonly leaks: readonly string[]
  readonly classes: readonly RedactionClass[]
}

export type Negative = {
  readonly kind: string
  readonly value: Json
  readonly identity: IdentityLiterals
}

export type EvaluationSet = {
  readonly positives: readonly Positive[]
  readonly negatives: readonly Negative[]
  readonly people: readonly Person[]
}

export const EVALUATION_SEED = 20_260_601
const PER_KIND = 300
const NEGATIVES = 3_000

export function evaluationSet(seed: number = EVALUATION_SEED): EvaluationSet {
  const random = new SeededRandom(seed)
  const people = inventedPeople(random)
  const positives = KINDS.flatMap((kind) =>
    Array.from({ length: PER_KIND }, (_, index) => positiveOf(kind, index, random, people)),
  )
  const negatives = Array.from({ length: NEGATIVES }, (_, index) => ({
    ...hardNegatives(random, index),
    identity: (people.at(8 + (index % 32)) as Person).identity,
  }))
  return { positives, negatives, people }
}

type Seed = { readonly text: string; readonly leaks: readonly string[] }

type Kind = {
  readonly kind: string
  readonly part: Part
  readonly classes: readonly RedactionClass[]
  readonly make: (random: SeededRandom, person: Person) => Seed
  /** Whether the machine is the person's own, so that its literals are known. */
  readonly known: 'always' | 'sometimes'
  /** Whether the user must have a name of its own. */
  readonly distinct: boolean
}

const ALNUM = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const BASE64 = `${ALNUM}+/`
const URL_SAFE = `${ALNUM}_-`
const HEX = '0123456789abcdef'
const FILES = ['notes.md', 'src/index.ts', 'Documents/plan.txt', '.config/tool.json', 'a b/c.txt']

function secretSeed(text: string, secret: string): Seed {
  return { text, leaks: [secret] }
}

const PATH_CLASSES: readonly RedactionClass[] = ['home_path', 'file_path', 'identity']

const KINDS: readonly Kind[] = [
  secretKind('pem', 'P1', ['private_key'], (random) => {
    const label = random.pick(['', 'RSA ', 'EC ', 'OPENSSH ', 'ENCRYPTED '])
    const body = Array.from({ length: 3 }, () => random.text(BASE64, 64)).join('\n')
    const foot = random.below(4) === 0 ? '' : `\n-----END ${label}PRIVATE KEY-----`
    return { text: `-----BEGIN ${label}PRIVATE KEY-----\n${body}${foot}`, leaks: body.split('\n') }
  }),
  secretKind('github token', 'P2', ['token'], (random) => {
    const secret = random.text(ALNUM, 36)
    return secretSeed(`${random.pick(['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'])}${secret}`, secret)
  }),
  secretKind('json web token', 'P2', ['token'], (random) => {
    const secret = random.text(URL_SAFE, 43)
    return secretSeed(`eyJ${random.text(ALNUM, 20)}.eyJ${random.text(ALNUM, 40)}.${secret}`, secret)
  }),
  secretKind('vendor token', 'P2', ['token'], (random) => {
    const [prefix, length] = random.pick([
      ['glpat-', 20],
      ['sk-ant-api03-', 60],
      ['sk_live_', 24],
      ['xoxb-', 40],
      ['npm_', 36],
      ['AIza', 35],
      ['hf_', 34],
      ['pypi-', 60],
      ['kw_', 32],
    ] as const)
    const secret = random.text(ALNUM, length)
    return secretSeed(prefix + secret, secret)
  }),
  secretKind('url credential', 'P3', ['credential'], (random) => {
    const secret = random.text(ALNUM, 14)
    const scheme = random.pick(['https', 'postgres', 'amqp', 'redis', 'git+https'])
    return secretSeed(`${scheme}://svc:${secret}@db.example:5432/app`, secret)
  }),
  secretKind('header', 'P3', ['credential'], (random) => {
    const secret = `${random.text(ALNUM, 20)}7k`
    const head = random.pick(['Authorization: Bearer ', 'Authorization: Basic ', 'X-Api-Key: '])
    return secretSeed(head + secret, secret)
  }),
  secretKind('assignment', 'P3', ['credential'], (random) => {
    const secret = `${random.text(ALNUM, 12)}4x`
    const head = random.pick([
      'password=',
      'DB_PASSWORD=',
      'api_key=',
      'client_secret: ',
      '?token=',
    ])
    return secretSeed(head + secret, secret)
  }),
  pathKind('file url', 'P4', (random, { username }) => ({
    text: `file:///home/${encodeURIComponent(username)}/${encodeURI(random.pick(FILES))}`,
    leaks: [`home/${username}`, `home/${encodeURIComponent(username)}`],
  })),
  pathKind('network path', 'P4', (random, { username }) => {
    const server = `fs${random.text(HEX, 6)}`
    return {
      text: `\\\\${server}\\users$\\${username}\\plan.docx`,
      leaks: [server, `users$\\${username}`],
    }
  }),
  pathKind('home on Linux', 'P5', (random, { username }) =>
    homeSeed(random, '/home/', username, '/'),
  ),
  pathKind('home on macOS', 'P5', (random, { username }) =>
    homeSeed(random, '/Users/', username, '/'),
  ),
  pathKind('home on Windows', 'P5', (random, { username }) =>
    homeSeed(random, random.pick(['C:\\Users\\', 'd:\\users\\']), username, '\\'),
  ),
  pathKind('home on WSL and Git Bash', 'P5', (random, { username }) =>
    homeSeed(
      random,
      random.pick(['/mnt/c/Users/', '/c/Users/', '/cygdrive/d/Users/']),
      username,
      '/',
    ),
  ),
  pathKind('private folder', 'P5', (random) => {
    const secret = random.text('abcdefghijklmnop0123456789', 24)
    const text = random.pick([
      `/var/folders/zz/${secret}/T/x.txt`,
      `/private/var/folders/ab/${secret}/C/x`,
      `~u${secret}/bin/tool`,
    ])
    return secretSeed(text, secret)
  }),
  secretKind('e-mail', 'P6', ['email'], (random, { email }) => ({
    text: random.pick([email, email.toUpperCase(), `<${email}>`, `mailto:${email}`]),
    leaks: [email.toLowerCase()],
  })),
  secretKind('e-mail beyond ASCII', 'P6', ['email'], (random) => {
    const local = random.text('abcdefghijklmnopq', 8)
    const domain = random.pick(['müller.example', '例子.公司', 'xn--mller-kva.example', 'почта.рф'])
    return { text: `${local}@${domain}`, leaks: [`${local}@`] }
  }),
  identityKind('host name', (random, { hostname }) => {
    const short = hostname.split('.').at(0) as string
    const text = random.pick([hostname, short, hostname.toUpperCase()])
    return { text: `on ${text}`, leaks: [short.toLowerCase()] }
  }),
  identityKind('user name', (random, { username, name }) => {
    const text = random.pick([username, username.toUpperCase(), `${username}/feature`, name])
    return { text: `by ${text}`, leaks: [username.toLowerCase(), name.toLowerCase()] }
  }),
  secretKind('address', 'P8', ['network'], (random) => {
    const tail = `${1 + random.below(250)}.${1 + random.below(250)}`
    const group = `${1 + random.below(8)}${random.text(HEX, 3)}`
    const text = random.pick([
      `192.168.${tail}`,
      `10.7.${tail}`,
      `2001:db8::${group}:1`,
      `fe80::${group}:2`,
      `52:54:00:1a:${group.slice(0, 2)}:${group.slice(2)}`,
    ])
    return { text: `at ${text}`, leaks: [text] }
  }),
  secretKind('generic secret', 'P9', ['entropy', 'credential'], (random) => {
    const secret = random.pick([
      random.text(ALNUM, 24 + random.below(24)),
      random.text(URL_SAFE, 32),
      random.text(HEX, 32),
      `${random.text(BASE64, 42)}==`,
    ])
    const head = random.pick([
      'the token is ',
      'secret ',
      'api key ',
      'session id ',
      'credential was ',
    ])
    return secretSeed(head + secret, secret)
  }),
]

function secretKind(
  kind: string,
  part: Part,
  classes: readonly RedactionClass[],
  make: Kind['make'],
): Kind {
  return { kind, part, classes, make, known: 'sometimes', distinct: false }
}

function pathKind(kind: string, part: Part, make: Kind['make']): Kind {
  return { kind, part, classes: PATH_CLASSES, make, known: 'sometimes', distinct: false }
}

function identityKind(kind: string, make: Kind['make']): Kind {
  return { kind, part: 'P7', classes: ['identity'], make, known: 'always', distinct: true }
}

function homeSeed(random: SeededRandom, parent: string, username: string, separator: string): Seed {
  const file = random.pick(FILES).replaceAll('/', separator)
  const folder = parent.slice(1, -1)
  return {
    text: `${parent}${username}${separator}${file}`,
    leaks: [`${folder}${separator}${username}`],
  }
}

const NOBODY: IdentityLiterals = {
  hostnames: [],
  usernames: [],
  names: [],
  emails: [],
  homes: [],
  roots: [],
}

function positiveOf(
  kind: Kind,
  index: number,
  random: SeededRandom,
  people: readonly Person[],
): Positive {
  const candidates = kind.distinct ? people.filter((person) => person.distinct) : people
  const person = candidates.at(index % candidates.length) as Person
  const known = kind.known === 'always' || person.username.includes(' ') || random.below(2) === 0
  const { text, leaks } = kind.make(random, person)
  return {
    kind: kind.kind,
    part: kind.part,
    classes: kind.classes,
    leaks,
    value: (SURROUNDINGS.at(index % SURROUNDINGS.length) as (text: string) => Json)(text),
    identity: known ? person.identity : NOBODY,
  }
}

const ASCII_ONLY = /[\u0080-\uffff]/g

/** JSON as Python writes it. */
function escaped(text: string): string {
  return JSON.stringify(text).replace(
    ASCII_ONLY,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The places and encodings in which personal data is promised to be found. */
export const SURROUNDINGS: readonly ((text: string) => Json)[] = [
  (text) => text,
  (text) => `We looked at ${text} and went on.`,
  (text) => `Error: failed\n    at load (${text})\n    at main (index.js:3:1)`,
  (text) => `- see \`${text}\` for **more**\n- then [go](#on)`,
  (text) => `log line ${escaped(`first\n${text}\nlast`)} end`,
  (text) => `log line ${escaped(escaped(`first\n${text}\nlast`))} end`,
  (text) => `q=${encodeURIComponent(`first ${text} last`)}`,
  (text) => ({ outer: { [text]: 1 } }),
  (text) => ['first', [text, 2], { deep: [{ deeper: text }] }],
  (text) => `fix: read ${text}\n\nThis closes #12.`,
  (text) => ({ note: JSON.stringify({ first: 1, list: [{ text }] }) }),
  (text) => text.normalize('NFD'),
]
