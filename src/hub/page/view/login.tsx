/** The way in. */
import { useState } from 'preact/hooks'
import { Mark } from '../../../page/mark.tsx'
import type { ApiFault } from '../feed/api.ts'
import type { Dashboard } from '../dashboard.ts'

export function Login({ dashboard }: { readonly dashboard: Dashboard }) {
  const [token, setToken] = useState('')
  const { stage, fault } = dashboard
  return (
    <main class="login">
      <div class="login-card">
        <h1>
          <Mark /> Kittiwake <span class="faint">team</span>
        </h1>
        {stage === 'entering' ? (
          <p role="status" class="muted">
            {fault === null ? 'Looking for the hub …' : `${words(fault)} Trying again …`}
          </p>
        ) : (
          <form
            onSubmit={(event) => {
              event.preventDefault()
              setToken('')
              void dashboard.enter({ token: token.trim() })
            }}
          >
            {fault === null ? null : (
              <p class="login-fault" role="alert">
                {words(fault)}
              </p>
            )}
            <label for="token">Token of your team</label>
            <input
              id="token"
              type="password"
              autocomplete="off"
              spellcheck={false}
              value={token}
              onInput={({ currentTarget }) => setToken(currentTarget.value)}
            />
            <button type="submit" class="primary" disabled={token.trim() === ''}>
              Log in
            </button>
            <p class="muted small">
              Whoever runs the hub makes one with{' '}
              <code>kittiwake hub token create --team T --user U</code>, or a link that needs none
              with <code>kittiwake hub serve --open</code>. The token goes to the hub once and is
              not kept here.
            </p>
          </form>
        )}
      </div>
    </main>
  )
}

function words({ status, code }: ApiFault): string {
  if (status === 0) return 'The hub does not answer. Is it running?'
  if (code === 'SESSION_ENDED') return 'Your login has ended. Log in again.'
  if (status === 401) return 'This token or link is not good: it may be used, ended or mistyped.'
  if (status === 429) return 'Too many tries. Wait a moment, then try again.'
  if (status === 403) return 'The hub refuses this address. Open it by its own URL.'
  return 'The hub could not let you in. Try again.'
}
