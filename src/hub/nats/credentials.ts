/** What a hub proves to a NATS server that it is let in by: read for each connection, so that a file may be renewed. */
import type { Authenticator } from '@nats-io/transport-node'
import { LinkError } from '../../errors.ts'

export type Login =
  | { readonly user: string; readonly pass: string }
  | { readonly token: string }
  | { readonly authenticator: Authenticator }

/** The parts of the client that sign what a server asks. */
type Signers = Pick<
  typeof import('@nats-io/transport-node'),
  'jwtAuthenticator' | 'nkeyAuthenticator' | 'nkeys'
>

const CREDENTIALS = 'BEGIN NATS USER JWT'
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/m
const SEED = /^SU[A-Z2-7]{56}$/m

/**
 * @param text of the file: NATS credentials (a JWT and a seed), or one line: the seed of an nkey, `user:password`, or a token
 * @throws LinkError NATS_FILE_INVALID
 */
export function readLogin(text: string, client: Signers): Login {
  const isJwt = text.includes(CREDENTIALS)
  const line = text.trim()
  if (!isJwt && !SEED.test(line)) return lineLogin(line)
  const seed = Buffer.from(SEED.exec(text)?.[0] ?? '')
  const [jwt] = JWT.exec(text) ?? []
  if (!isSeed(seed, client) || (isJwt && jwt === undefined)) throw invalid()
  const authenticator =
    isJwt && jwt !== undefined ? client.jwtAuthenticator(jwt, seed) : client.nkeyAuthenticator(seed)
  return { authenticator }
}

function lineLogin(line: string): Login {
  if (line === '' || line.includes('\n')) throw invalid()
  const [user = '', ...rest] = line.split(':')
  return rest.length === 0 ? { token: user } : { user, pass: rest.join(':') }
}

// The client would find out no sooner than a server asks, and say that none answers.
function isSeed(seed: Buffer, { nkeys }: Signers): boolean {
  try {
    nkeys.fromSeed(seed)
    return true
  } catch {
    return false
  }
}

function invalid(): LinkError {
  return new LinkError('NATS_FILE_INVALID', 'the file of --nats-credentials holds no login', {
    hint: 'It holds NATS credentials, or one line: the seed of an nkey, user:password, or a token.',
  })
}
