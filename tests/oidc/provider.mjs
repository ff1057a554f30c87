// The OpenID Connect provider of the tests: oidc-provider, with accounts that sign in by naming themselves, and with
// faults that tests ask for. Its settings are JSON in OIDC_SETTINGS; it prints its issuer as a line when it listens.
//
// It keeps everything in memory. SIGUSR2 makes it stop listening, and listen again, without losing that.
import http from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider from 'oidc-provider';

const settings = JSON.parse(process.env.OIDC_SETTINGS);
const scope = 'openid offline_access email profile eduperson_entitlement';
const counts = { token: 0, reused: 0 }; // requests to the token endpoint; refresh tokens that were shown twice
const fault = { status: 0, lose: false, count: 0 };
const grants = new Map(); // account -> ids of its grants
const server = http.createServer();

function keys() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' }] };
}

function claims(account) {
  return { email: `${account}@example.org`, name: account, ...(settings.accounts[account] ?? {}) };
}

function client(id, secret, methods) {
  return {
    client_id: id,
    client_secret: secret,
    token_endpoint_auth_method: methods,
    redirect_uris: [settings.redirect],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  };
}

function provider(issuer) {
  const made = new Provider(issuer, {
    clients: [
      client(settings.client, settings.secret, 'client_secret_basic'),
      client(`${settings.client}-public`, undefined, 'none'),
    ],
    jwks: keys(),
    scopes: scope.split(' '),
    claims: { openid: ['sub'], email: ['email'], profile: ['name'], eduperson_entitlement: ['eduperson_entitlement'] },
    cookies: { keys: [randomUUID()] },
    interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => settings.audience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope,
          audience: settings.audience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: settings.accessTokenSeconds,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    extraTokenClaims: (_, token) => (token.accountId ? claims(token.accountId) : undefined),
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...claims(id) }) }),
    issueRefreshToken: (_, asking, code) => asking.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
    rotateRefreshToken: settings.rotate,
    ttl: { AccessToken: settings.accessTokenSeconds, Grant: 86400, Session: 86400, Interaction: 600, IdToken: 3600 },
  });
  made.on('server_error', (_, error) => console.error(error));
  made.on('grant.error', (_, error) => {
    if (/already used/.test(`${error.error_detail}`)) counts.reused += 1;
  });
  return made;
}

// Whoever the request names (login_hint) is signed in and agrees to everything.
async function signIn(op, request, response) {
  const { params } = await op.interactionDetails(request, response);
  const grant = new op.Grant({ accountId: params.login_hint, clientId: params.client_id });
  grant.addOIDCScope(scope);
  grant.addResourceScope(settings.audience, scope);
  const id = await grant.save();
  grants.set(params.login_hint, [...(grants.get(params.login_hint) ?? []), id]);
  await op.interactionFinished(request, response, {
    login: { accountId: params.login_hint, remember: false },
    consent: { grantId: id },
  });
}

async function control(op, url, response) {
  if (url.pathname === '/control/fault') {
    fault.status = Number(url.searchParams.get('status'));
    fault.lose = url.searchParams.get('lose') === 'true';
    fault.count = Number(url.searchParams.get('count'));
  } else if (url.pathname === '/control/withdraw') {
    for (const id of grants.get(url.searchParams.get('account')) ?? []) await (await op.Grant.find(id))?.destroy();
  }
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(counts));
}

function answer(op, request, response) {
  const url = new URL(request.url, 'http://provider');
  if (url.pathname.startsWith('/control/')) return control(op, url, response);
  if (url.pathname.startsWith('/sign-in/')) return signIn(op, request, response);
  if (url.pathname === '/token') {
    counts.token += 1;
    if (fault.count > 0) {
      fault.count -= 1;
      if (!fault.lose) return response.writeHead(fault.status, { 'Content-Type': 'text/html' }).end('<p>Out of order.</p>');
      // The request is carried out; whoever sent it does not hear of it.
      response.end = () => request.socket.destroy();
    }
  }
  return op.callback()(request, response);
}

server.listen(settings.port, settings.host, () => {
  const { address, port } = server.address();
  const issuer = `http://${address}:${port}`;
  const op = provider(issuer);
  server.on('request', (request, response) => {
    Promise.resolve(answer(op, request, response)).catch((error) => {
      console.error(error);
      response.writeHead(500).end();
    });
  });
  process.on('SIGUSR2', () => {
    if (server.listening) {
      server.close();
      server.closeAllConnections();
    } else {
      server.listen(port, address);
    }
  });
  setInterval(() => {}, 60000); // a program that listens to nothing would end
  console.log(issuer);
});
