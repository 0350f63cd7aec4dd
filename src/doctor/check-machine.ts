/** What the machine must have: a Node that is new enough, an SQLite that loads, git. */
import { systemCode } from '../errors.ts'
import { runGit } from '../project/git/native-git.ts'
import { type Check, failed, ok } from './check.ts'

type Floor = readonly [major: number, minor: number]

const NODE_FLOOR: Floor = [20, 19]
const GIT_FLOOR: Floor = [2, 31]

export async function checkMachine(cwd: string): Promise<readonly Check[]> {
  return [checkNode(process.versions.node), await checkSqlite(), await checkGit(cwd)]
}

/** `version` is `major.minor.patch`. */
export function checkNode(version: string): Check {
  if (isAtLeast(NODE_FLOOR, version)) return ok('node', version)
  return failed('node', version, `Install Node.js ${NODE_FLOOR.join('.')} or newer.`)
}

/** `version` as git says it, which may end with the name of who built it. */
export function checkGitVersion(version: string): Check {
  if (isAtLeast(GIT_FLOOR, version)) return ok('git', version)
  return failed('git', version, `Install git ${GIT_FLOOR.join('.')} or newer.`)
}

function isAtLeast(floor: Floor, version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > floor[0] || (major === floor[0] && minor >= floor[1])
}

async function checkSqlite(): Promise<Check> {
  try {
    const { default: Database } = await import('better-sqlite3')
    const db = new Database(':memory:')
    const version = db.prepare('SELECT sqlite_version()').pluck().get()
    db.close()
    return ok('sqlite', String(version))
  } catch (error) {
    const detail = `better-sqlite3 does not load (${systemCode(error) ?? 'UNLOADABLE'})`
    const hint = 'Run `npm rebuild better-sqlite3`; npm 12 needs its install script allowed first.'
    return failed('sqlite', detail, hint)
  }
}

async function checkGit(cwd: string): Promise<Check> {
  const outcome = await runGit(['--version'], { cwd }).catch(() => null)
  const version = /^git version (\S+)/.exec(outcome?.stdout ?? '')?.[1]
  if (outcome?.code === 0 && version !== undefined) return checkGitVersion(version)
  return failed('git', 'not found, or it does not run', 'Install git; `mission create` needs it.')
}
