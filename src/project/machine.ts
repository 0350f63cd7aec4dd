/** Who and where: the host and user names that make up a node id, as the system says them. */
import { hostname, userInfo } from 'node:os'

export type Machine = { readonly hostname: string; readonly username: string }

/**
 * Looked at in this order, as the other tools of this field do; the first that isn't empty wins.
 */
export const USER_VARIABLES = ['LOGNAME', 'USER', 'LNAME', 'USERNAME'] as const

export function machineOf(env: NodeJS.ProcessEnv = process.env): Machine {
  const named = USER_VARIABLES.map((name) => env[name]).find((value) => value)
  return { hostname: hostname(), username: named ?? accountName() }
}

// A container may run under a user id that has no account.
function accountName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}
