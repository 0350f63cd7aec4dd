/** Which kind of occurrence a path, and a line in it, is: what a bulk edit decides by. */

/** Each can be met; none is there for its name alone. */
export const CATEGORIES = [
  'code_symbols',
  'import_paths',
  'filesystem_paths',
  'serialized_keys',
  'cli_commands',
  'user_facing_strings',
  'tests_fixtures',
  'logs_telemetry',
] as const
export type Category = (typeof CATEGORIES)[number]

const SOURCE =
  /\.(?:py|pyi|[cm]?[jt]sx?|go|rs|java|kt|rb|php|c|h|cc|cpp|hpp|cs|swift|scala|sh|lua|ex|exs|sql|vue|svelte)$/i
const TESTS =
  /(?:^|\/)(?:tests?|testing|fixtures?|__snapshots__|__tests__)\/|(?:^|\/)(?:conftest\.py|test_[^/]*\.py|[^/]*_test\.py|[^/]*\.(?:test|spec)\.[cm]?[jt]sx?)$/i
const COMMANDS =
  /(?:^|\/)cli\/commands\/|(?:^|\/)commands\/[^/]*\.(?:py|[jt]s)$|(?:^|\/)bin\/[^/]+$/i
const WORDS =
  /\.(?:md|mdx|rst|txt|adoc)$|(?:^|\/)docs?\/|(?:^|\/)(?:README|CHANGELOG|LICENSE)[^/]*$/i
const DATA = /\.(?:ya?ml|json|jsonc|json5|jsonl|toml|ini|cfg|properties|env|xml|csv)$/i

/** By the path alone, the first that fits; null where none does. */
export function categoryOfPath(path: string): Category | null {
  if (TESTS.test(path)) return 'tests_fixtures'
  if (COMMANDS.test(path)) return 'cli_commands'
  if (WORDS.test(path)) return 'user_facing_strings'
  if (DATA.test(path)) return 'serialized_keys'
  return SOURCE.test(path) ? 'code_symbols' : null
}

const IMPORT =
  /^\s*(?:import\b|export\b.*\bfrom\s*['"]|from\s+[\w.]+\s+import\b|use\s+[\w:]+|#\s*include\b|require_relative\b|using\s+[\w.]+\s*;)|\b(?:require|import)\s*\(/
const LOG =
  /\b(?:log|logger|logging|console|tracer|metrics|telemetry|span|statsd)\s*[.:]{1,2}\s*\w+|\b(?:slog|log_\w+|logf?|warn|debug)!?\s*\(/i
const PATH_TEXT = /['"`][^'"`\s]*(?:\/[^'"`\s]+|\.[a-z]{2,5})['"`]/i

/** Code holds occurrences of several kinds: its lines are told apart. `null`, of no known kind, stays so. */
export function categoryOfLine(path: string, line: string): Category | null {
  const category = categoryOfPath(path)
  if (category !== 'code_symbols') return category
  const text = line.slice(0, LINE_LENGTH_MAX)
  if (IMPORT.test(text)) return 'import_paths'
  if (LOG.test(text)) return 'logs_telemetry'
  return PATH_TEXT.test(text) ? 'filesystem_paths' : 'code_symbols'
}

/** A longer line is no hand-written code. */
const LINE_LENGTH_MAX = 4_096
