/**
 * Names that say nothing of a person by themselves, or that ordinary text is full of. As an identity literal
 * they count only where the context says that a user or a host is meant (`dev@box`, `user=dev`).
 */
const COMMON_LITERALS: ReadonlySet<string> = new Set(
  `dev test tests tester testing demo guest admin administrator root main master localhost local
  localdomain ubuntu debian fedora alpine centos arch linux macos darwin windows runner runneradmin
  user users username node python java ruby rust deno home host hostname server client desktop laptop
  macbook imac computer machine work worker workspace build builder builds jenkins vagrant docker
  container containeradministrator github gitlab actions agent agents bot robot claude codex cursor
  copilot gemini openai anthropic code coder codespace codespaces gitpod vscode developer default
  system service services data daemon nobody none null true false unknown anonymous public private
  secret token password email name path temp shared team project projects mission missions event events
  status sync queue commit branch actor human kitty kittiwake spec specs docs source sources scripts
  planned claimed done doing blocked approved canceled review reviewer implementer planner
  ec2-user azureuser cloud-user core circleci travis postgres mysql redis nginx
  example sample foo bar baz alpha beta staging production release latest`.split(/\s+/),
)

/** The shortest literal, in code points, that is looked for wherever it stands. */
const BARE_LENGTH_MIN = 4
// Whole names of two or three characters are usual in these scripts, and rarely words.
const DENSE_SCRIPT =
  /^[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}]{2,}$/u

/** True for a literal that must not be replaced without a context. */
export function isCommonLiteral(literal: string): boolean {
  if (isCommonWord(literal)) return true
  if (isDenseScript(literal)) return false
  return Array.from(literal).length < BARE_LENGTH_MIN
}

/** True for a word that ordinary text is full of. */
export function isCommonWord(literal: string): boolean {
  return COMMON_LITERALS.has(literal.toLowerCase())
}

/** True for a name in a script that doesn't part words by spaces. */
export function isDenseScript(literal: string): boolean {
  return DENSE_SCRIPT.test(literal)
}
