/** P2: tokens that their prefix gives away, and JSON web tokens. */
import { secretOf, type SecretKind } from '../placeholders.ts'
import { hitsOf, wholeHit, type Rule } from '../rule.ts'
import { LETTER, LONG_WORD } from '../signals.ts'

const FORMS: readonly (readonly [kind: SecretKind, source: string])[] = [
  ['github', '(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{22,255})'],
  ['gitlab', 'gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas)-[A-Za-z0-9_-]{20,255}'],
  ['aws', '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])'],
  ['anthropic', 'sk-ant-[A-Za-z0-9_-]{16,255}'],
  ['stripe', '(?:(?:sk|rk|pk)_(?:live|test)_|whsec_)[A-Za-z0-9]{16,255}'],
  ['openai', 'sk-(?:proj-|svcacct-|admin-)?(?=[A-Za-z_-]{0,64}[0-9])[A-Za-z0-9_-]{20,255}'],
  [
    'slack',
    '(?:xox[abeoprs]-[A-Za-z0-9-]{10,255}|xapp-[0-9]-[A-Za-z0-9-]{10,255}|hooks\\.slack\\.com\\/services\\/T[A-Z0-9]{6,12}\\/B[A-Z0-9]{6,12}\\/[A-Za-z0-9]{16,32})',
  ],
  ['npm', 'npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])'],
  ['google', '(?:AIza[A-Za-z0-9_-]{35}|ya29\\.[A-Za-z0-9_-]{20,255}|GOCSPX-[A-Za-z0-9_-]{20,64})'],
  ['huggingface', 'hf_[A-Za-z0-9]{30,255}'],
  ['sendgrid', 'SG\\.[A-Za-z0-9_-]{16,64}\\.[A-Za-z0-9_-]{16,64}'],
  ['pypi', 'pypi-[A-Za-z0-9_-]{32,255}'],
  ['kittiwake', 'kw[a-z]?_(?=[A-Za-z_-]{0,64}[0-9])[A-Za-z0-9_-]{32,255}'],
  [
    'token',
    '(?:dckr_pat_|do[opr]_v1_|shp(?:at|ca|pa|ss)_|lin_api_|hv[sbr]\\.|AGE-SECRET-KEY-1|sq0[a-z]{3}-)[A-Za-z0-9_-]{20,255}',
  ],
  // The lookbehind has every unit of the run, so that a run is tried once.
  [
    'jwt',
    '(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{6,}\\.(?:eyJ)?[A-Za-z0-9_-]{6,}(?:\\.[A-Za-z0-9_-]{0,4096}){0,3}',
  ],
]

const TOKEN = new RegExp(
  `(?<![A-Za-z0-9])(?:${FORMS.map(([, source]) => `(${source})`).join('|')})`,
  'g',
)

function sample(prefix: string, length: number): string {
  const alphabet = 'a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZ'
  return prefix + alphabet.repeat(8).slice(0, length)
}

const JWT_HEAD = 'eyJhbGciOiJIUzI1NiJ9'
const JWT_BODY = 'eyJzdWIiOiIxMjM0In0'

export const knownTokens: Rule = {
  name: 'known-tokens',
  class: 'token',
  needs: LETTER | LONG_WORD,
  find: ({ text }) =>
    hitsOf(text, TOKEN, (match) => {
      const group = match.findIndex((part, index) => index > 0 && part !== undefined)
      const [kind] = FORMS[group - 1] as (typeof FORMS)[number]
      return wholeHit(match, secretOf(kind), null)
    }),
  samples: {
    removed: [
      `push with ⟦${sample('ghp_', 36)}⟧ failed`,
      `"⟦${sample('github_pat_', 60)}⟧"`,
      `⟦${sample('glpat-', 20)}⟧`,
      `id ⟦${sample('AKIA', 0)}IOSFODNN7EXAMPLE⟧.`,
      `(⟦${sample('sk-ant-api03-', 40)}⟧)`,
      `⟦${sample('sk-proj-', 48)}⟧`,
      `export K=⟦${sample('sk_live_', 24)}⟧`,
      `⟦${sample('xoxb-', 30)}⟧`,
      `https://⟦hooks.slack.com/services/T0000000/B0000000/${sample('', 24)}⟧`,
      `⟦${sample('npm_', 36)}⟧`,
      `⟦${sample('AIza', 35)}⟧`,
      `⟦${sample('hf_', 34)}⟧`,
      `⟦${sample('SG.', 22)}.${sample('', 43)}⟧`,
      `⟦${sample('pypi-', 60)}⟧`,
      `⟦${sample('kwk_', 43)}⟧`,
      `⟦${sample('dckr_pat_', 27)}⟧`,
      `id_token: ⟦${JWT_HEAD}.${JWT_BODY}.${sample('', 43)}⟧`,
      `cut off ⟦${JWT_HEAD}.${JWT_BODY}⟧`,
      'as short as any ⟦eyJhbGciO.eyJhbG⟧',
    ],
    kept: [
      'ghp_short',
      'the prefix ghp_ marks a token',
      'sk-learn is a library',
      'sk-routing-and-supervision-of-workers',
      'npm_config_registry',
      'AKIA is a prefix',
      'hf_hub_download',
      'eyJ starts a token',
      'glpat- prefix',
      'xoxb-',
      'task-ant-colony-optimisation-2024-review',
      'AIza',
      'github_pat_ tokens are fine grained',
      'pypi-publish workflow',
      'kw_args and kwargs',
      'kw_only_arguments_of_a_long_function_name',
    ],
  },
}
