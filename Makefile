# Needs Rust (rust-toolchain.toml says which); the tests also need what tests/setup installs.

TARGET := $(or $(CARGO_TARGET_DIR),target)
HOST := $(shell rustc -vV | sed -n 's/^host: //p')
DOCTOR := kubectl-cilium_doctor
RENDER := kubectl-cilium_render
PLUGINS := $(DOCTOR) $(RENDER) kubectl-cilium_uninstall
AGENT := kcilium-node-agent
# As Kubernetes and krew call it: linux-amd64, darwin-arm64.
ARCH := $(subst x86_64,amd64,$(subst aarch64,arm64,$(firstword $(subst -, ,$(HOST)))))
OS := $(if $(findstring -linux-,$(HOST)),linux,$(if $(findstring -darwin,$(HOST)),darwin,windows))
PLATFORM := $(OS)-$(ARCH)
# Bytes of the gzipped agent: it travels to every node in ConfigMaps, and etcd keeps it.
AGENT_LIMIT := 2000000
# Bytes of a plugin: they are copied to nodes by hand when nothing else works. The aim was 8 MB; rules
# for a hundred things, and the decoders of what they judge, take more. Archives have 5 MB.
PROGRAM_LIMIT := 13000000
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null)

.PHONY: demo test test-browser lint bench dist clean

# The story of the README, with real programs on real networks: needs root, for namespaces.
demo:
	tests/setup
	cargo build --quiet -p kubectl-cilium-doctor -p kubectl-cilium-render -p kubectl-cilium-uninstall \
		-p $(AGENT)
	cargo run --quiet -p e2e --example demo

# All is built first, in one way: a test that finds no list of sources beside a program builds it again,
# with other features of common crates.
test:
	tests/setup
	cargo build --quiet --workspace --all-targets
	@if cargo nextest --version >/dev/null 2>&1; then \
		set -x; cargo nextest run --workspace && cargo test --workspace --doc; \
	else \
		set -x; cargo test --workspace; \
	fi

# Not a part of `make test`: the browser is a large package.
test-browser:
	cargo build --quiet -p kubectl-cilium-doctor
	tests/browser $(TARGET)/debug/$(DOCTOR)

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	@if cargo deny --version >/dev/null 2>&1; then \
		set -x; cargo deny check; \
	else \
		echo "cargo deny check: left out, cargo-deny is not installed"; \
	fi

bench:
	cargo bench --workspace

# Static, so that it runs on a node with whatever libc; a target is named, or build scripts and
# procedural macros would be linked the same way, which they cannot be.
DIST_FLAGS := -C target-feature=+crt-static
ifeq ($(OS),linux)
# Relocations packed (half a megabyte less), and functions that came out alike kept once. Both are the
# linker's that comes with Rust for Linux.
DIST_FLAGS += -C link-arg=-Wl,--icf=all -C link-arg=-Wl,-z,pack-relative-relocs
endif
DIST_BUILD = KCILIUM_COMMIT=$(COMMIT) RUSTFLAGS="$(DIST_FLAGS)" \
	cargo build --locked --profile dist --target $(HOST)

dist:
	rm -f dist/*.*
	mkdir -p dist/agents
ifeq ($(OS),linux)
	@# Nodes run Linux: elsewhere the agents are those that were put into dist/agents before.
	@# By itself: with the features that the plugins ask of common crates it would be larger.
	$(DIST_BUILD) -p $(AGENT)
	gzip -9nc $(TARGET)/$(HOST)/dist/$(AGENT) >dist/agents/$(PLATFORM).gz
endif
	$(DIST_BUILD) -p kubectl-cilium-doctor -p kubectl-cilium-render -p kubectl-cilium-uninstall
	cp $(addprefix $(TARGET)/$(HOST)/dist/,$(PLUGINS)) dist/
	krew/materials dist
	krew/pack dist dist/agents $(PLATFORM) dist
	krew/manifests dist
	cd dist && sha256sum *.tar.gz *.json >SHA256SUMS && cat SHA256SUMS
	@krew/sizes dist $(PROGRAM_LIMIT) $(AGENT_LIMIT)

clean:
	cargo clean
	rm -rf dist
