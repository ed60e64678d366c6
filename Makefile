# Needs Rust (rust-toolchain.toml says which); the tests also need what tests/setup installs.

TARGET := $(or $(CARGO_TARGET_DIR),target)
HOST := $(shell rustc -vV | sed -n 's/^host: //p')
DOCTOR := kubectl-cilium_doctor
RENDER := kubectl-cilium_render
PLUGINS := $(DOCTOR) $(RENDER) kubectl-cilium_uninstall
AGENT := kcilium-node-agent
# As Kubernetes calls it: linux-amd64, linux-arm64. Nodes run Linux, so there is none for other hosts.
AGENT_PLATFORM := $(if $(findstring -linux-,$(HOST)),linux-$(subst x86_64,amd64,$(subst aarch64,arm64,$(firstword $(subst -, ,$(HOST))))))
# Bytes of the gzipped agent: it travels to every node in ConfigMaps, and etcd keeps it.
AGENT_LIMIT := 2000000

.PHONY: demo test test-browser lint bench dist clean

# Exit code 1 means that something was found, which is what a demo is for.
demo:
	cargo build --quiet -p kubectl-cilium-doctor -p kubectl-cilium-render
	@for command in "$(DOCTOR) --from examples/homelab-clash.json" "$(DOCTOR) --local" \
		"$(RENDER) -f examples/no-masquerade-values.yaml --version 1.14.2 --no-detect"; do \
		echo; echo "\$$ $$command"; \
		$(TARGET)/debug/$$command; code=$$?; \
		[ $$code -le 1 ] || exit $$code; \
	done

test:
	tests/setup
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
dist:
	RUSTFLAGS="-C target-feature=+crt-static" cargo build --profile dist --target $(HOST) \
		-p kubectl-cilium-doctor -p kubectl-cilium-render -p kubectl-cilium-uninstall
	mkdir -p dist/agents
	cp $(addprefix $(TARGET)/$(HOST)/dist/,$(PLUGINS)) dist/
	cd dist && wc -c $(PLUGINS) && sha256sum $(PLUGINS)
ifneq ($(AGENT_PLATFORM),)
	@# By itself: with the features that the plugins ask of common crates it would be larger.
	RUSTFLAGS="-C target-feature=+crt-static" cargo build --profile dist --target $(HOST) -p $(AGENT)
	gzip -9nc $(TARGET)/$(HOST)/dist/$(AGENT) >dist/agents/$(AGENT_PLATFORM).gz
	@cd dist && wc -c agents/$(AGENT_PLATFORM).gz && sha256sum agents/$(AGENT_PLATFORM).gz
	@size=$$(wc -c <dist/agents/$(AGENT_PLATFORM).gz); [ $$size -le $(AGENT_LIMIT) ] || { \
		rm dist/agents/$(AGENT_PLATFORM).gz; \
		echo "the node agent is too large to be shipped: $$size bytes, $(AGENT_LIMIT) may be" >&2; \
		exit 1; \
	}
endif

clean:
	cargo clean
	rm -rf dist
