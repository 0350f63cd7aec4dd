/** Part B of the evaluation set: text that looks like personal data or a secret, and is neither. */
import type { Json } from '#dist/contracts/json/json.js'
import type { SeededRandom } from './seeded-random.ts'

const HEX = '0123456789abcdef'
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

const MAKERS: readonly (readonly [kind: string, make: (random: SeededRandom) => Json])[] = [
  ['commit id', (r) => `merged in ${r.text(HEX, 40)} and ${r.text(HEX, 9)}`],
  ['digest', (r) => `sha256:${r.text(HEX, 64)}`],
  ['ulid', (r) => `event 01${r.text(CROCKFORD, 24)} was stored`],
  ['uuid', (r) => uuid(r)],
  [
    'typed fields',
    (r) => ({
      event_id: `01${r.text(CROCKFORD, 24)}`,
      git_hash: r.text(HEX, 40),
      node_id: r.text(HEX, 12),
      build_id: uuid(r),
    }),
  ],
  ['version', (r) => `upgraded to v${r.below(20)}.${r.below(20)}.${r.below(20)}-rc.${r.below(9)}`],
  [
    'four-part version',
    (r) => `version ${r.below(20)}.${r.below(20)}.${r.below(20)}.${r.below(20)}`,
  ],
  ['scoped package', (r) => `npm i @scope/pkg-${r.below(99)}@${r.below(9)}.${r.below(30)}.1`],
  [
    'decorator',
    (r) =>
      r.pick([
        '@pytest.mark.fast',
        "@app.command('run')",
        '@property',
        '@patch(time.sleep)',
        '@dataclass(frozen=True)',
      ]),
  ],
  [
    'code',
    (r) =>
      r.pick([
        'Path.home() / "x"',
        'threading.local()',
        'os.environ["TOKEN"]',
        'token = next(tokens)',
        'if a @ b.T: pass',
        'std::vector<int>',
        'x[1::2]',
        'password: str = ""',
        'def f(secret: str) -> None',
      ]),
  ],
  ['file at commit', (r) => `reviews/wp-WP0${r.below(9)}.yaml@${r.text(HEX, 9)}`],
  ['remote', (r) => `git@github.com:org/repo-${r.below(99)}.git`],
  [
    'address of nobody',
    (r) => `listening on ${r.pick(['0.0.0.0', '127.0.0.1', '[::1]'])}:${1000 + r.below(9000)}`,
  ],
  [
    'time',
    (r) =>
      `2026-0${1 + r.below(9)}-1${r.below(9)}T0${r.below(9)}:1${r.below(9)}:4${r.below(9)}.123456+00:00`,
  ],
  ['repository path', (r) => `src/home/users/view-${r.below(99)}.ts and docs/private/tmp.md`],
  ['route', (r) => `GET /api/v1/events?project_uuid=${uuid(r)}&after=${r.below(999)}`],
  ['web page', (r) => `https://example.com/home/page-${r.below(99)}#L${r.below(999)}`],
  ['image', (r) => `data:image/png;base64,${r.text(BASE64, 120)}`],
  [
    'prose on security',
    (r) =>
      r.pick([
        'Rotate the token every week and keep the secret in a vault.',
        'The password: it must be long.',
        'Bearer tokens are short-lived credentials.',
        'Authorization: decided per project.',
        'A private key never leaves the machine; a public key may.',
        'max_tokens: 4096, tokens=1200',
        'password policy applies',
      ]),
  ],
  ['slug', (r) => `auth-token-refresh-hardening-01${r.text(CROCKFORD, 6)}`],
  ['branch', (r) => `kitty/mission-secret-handling-${r.below(999)}-01${r.text(CROCKFORD, 6)}`],
  ['commit beside a keyword', (r) => `token fix landed as ${r.text(HEX, 40)}`],
  [
    'identifier',
    (r) => `secret_rotation_policy_v${r.below(9)} tokenRefreshCoordinatorFactory${r.below(9)}`,
  ],
  [
    'placeholder',
    (r) =>
      r.pick([
        '/home/<user>/x',
        '/home/$USER/x',
        'C:\\Users\\%USERNAME%\\x',
        'https://$TOKEN@host',
        'password=<redacted>',
        'token=${TOKEN}',
        '~/notes.md',
        '$HOME/x',
      ]),
  ],
  ['diff', (r) => `@@ -${r.below(99)},3 +${r.below(99)},70 @@ def main`],
  ['test id', (r) => `tests/sync/test_clock.py::TestClock::test_tick_${r.below(99)}`],
  [
    'words',
    (r) =>
      r.pick([
        'the home of a user',
        'a host of names',
        'hostnames and usernames',
        'root cause',
        'a runner on main',
        'dev and test',
      ]),
  ],
  [
    'regex',
    (r) => r.pick(['\\\\d+\\\\w+', '^[a-z]+\\\\.py$', '(?<=\\\\s)x', 'C:\\\\Windows\\\\System32']),
  ],
  [
    'ratio',
    (r) => `~${r.below(99)}/s, ${r.below(9)}:${r.below(9)}:${r.below(9)}, HEAD~${r.below(9)}/x`,
  ],
  [
    'lane event',
    (r) => ({
      from_lane: 'planned',
      to_lane: 'claimed',
      wp_id: 'WP03',
      at: '2026-01-02T03:04:05Z',
      force: r.below(2) === 0,
      mission_slug: `042-local-mission-${r.below(99)}`,
    }),
  ],
]

export function hardNegatives(random: SeededRandom, index: number): { kind: string; value: Json } {
  const [kind, make] = MAKERS.at(index % MAKERS.length) as (typeof MAKERS)[number]
  const made = make(random)
  if (typeof made !== 'string' || index % 3 === 0) return { kind, value: made }
  return { kind, value: { note: index % 3 === 1 ? made : `WP02 says: ${made}, as planned.` } }
}

function uuid(random: SeededRandom): string {
  const hex = random.text(HEX, 30)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-a${hex.slice(15, 18)}-${hex.slice(18, 30)}`
}
